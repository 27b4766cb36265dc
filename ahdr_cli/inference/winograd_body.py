"""AHDRNet on feature maps in groups of channels, up to the features that radiance is made of.

It follows :meth:`AHDRNet._body` line by line, with three liberties. Nothing is concatenated:
features of the frames lie beside each other, and so do those that dense layers add. The fold of
all blocks' outputs is summed up as the blocks finish. Where a convolution takes a frame's
features before the reference's, its weights change places instead of the features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.tiling import Box
from ahdr_cli.inference.winograd import SCRATCH, WinogradConvolution
from ahdr_cli.inference.winograd_blocks import block_steps
from ahdr_cli.inference.winograd_folds import BlockEnd, block_ends
from ahdr_cli.inference.winograd_support import CHANNELS
from ahdr_cli.inference.workers import Workers
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.constants import LEAKY_SLOPE
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["WinogradBody", "map_channels"]

_PIXELS = 1024
"""Most of a block for what is done to pixels one by one. With half as many, threads wait for
Python's lock, for 7 % of all time."""


def map_channels(config: AHDRConfig) -> int:
    """Channels that a body works on: the frames' features and what it makes of them."""
    residual = config.block == "rb"
    added = 2 * config.features if residual else config.layers * config.growth
    return 3 * config.features + max(3 * config.features, added)


class _Attention(NamedTuple):
    compare: WinogradConvolution
    gate: WinogradConvolution


@dataclass(slots=True)
class _Sight:
    """How far the layers that are left see; it falls from layer to layer.

    Attributes:
        part: where their last result is wanted.
        size: of the maps.
        radius: in pixels.
    """

    part: Box
    size: tuple[int, int]
    radius: int

    @property
    def box(self) -> Box:
        """Where what is there by now is needed."""
        return self.part.grown(self.radius, size=self.size)


class WinogradBody:
    """The layers, made ready once and used for tiles of any size.

    Args:
        config: for which :func:`ahdr_cli.inference.winograd_support.has_winograd_body` holds.
        weights: parameters of the network, by name.
        workers: that share out the work.
    """

    def __init__(
        self, config: AHDRConfig, weights: Mapping[str, FloatArray], *, workers: Workers
    ) -> None:
        self._config = config
        self._weights = weights
        self._workers = workers
        self._groups = config.features // CHANNELS
        self._pixels = min(_PIXELS, SCRATCH // map_channels(config))
        self._encode = self._conv("encode", slope=LEAKY_SLOPE)
        self._attention = [
            _Attention(
                compare=self._conv(f"{side}.compare", slope=LEAKY_SLOPE, swap=swap),
                gate=self._conv(f"{side}.gate"),
            )
            for side, swap in (("attention_short", False), ("attention_long", True))
            if config.attention
        ]
        self._merge = self._conv("merge")
        self._blocks = [
            block_steps(config, weights, f"blocks.{i}") for i in range(config.num_blocks)
        ]
        self._ends = block_ends(config, weights)
        self._spread, self._refine = self._conv("spread"), self._conv("refine")
        chain = [layer for layers in self._attention[:1] for layer in layers]
        chain += [self._merge, *(step.convolution for steps in self._blocks for step in steps)]
        chain += [self._spread, self._refine]
        self._radius = sum(convolution.dilation for convolution in chain)

    def __call__(
        self, frames: FloatArray, ratios: FloatArray, maps: FloatArray, *, part: Box
    ) -> FloatArray:
        """Frames → features of the merged image.

        Args:
            frames: (3, h, w, 3), short, reference, long, as they are given.
            ratios: (3,), exposures relative to the shortest.
            maps: of :func:`map_channels` channels and that size, overwritten.
            part: where the features are wanted.

        Returns:
            The first of the maps, of `features` channels, right within the part.
        """
        sight = _Sight(part, maps.shape[1:3], radius=self._radius)
        groups = self._groups
        short, reference, long = (maps[i * groups : (i + 1) * groups] for i in range(3))
        free = maps[3 * groups :]
        self._encode_frames(frames, ratios, (short, reference, long), seen=free[:1], box=sight.box)
        if self._attention:
            pairs = maps[: 2 * groups], maps[groups : 3 * groups]
            self._attend(pairs, (short, long), free=free, sight=sight)
        self._convolve(self._merge, maps[: 3 * groups], free[:groups], sight)

        # From here on the outer frames' features are not needed, and their place is.
        collected, total = maps[2 * groups :], short
        self._by_pixels(_copy, sight.box, free[:groups], long)
        for steps, end in zip(self._blocks, self._ends, strict=True):
            for convolution, source, target in steps:
                self._convolve(convolution, collected[source], collected[target], sight)
            fold = partial(self._with_scratch, end)
            self._by_pixels(fold, sight.box, collected[: steps[-1].target.stop], total)
        self._convolve(self._spread, total, collected[:groups], sight)
        self._by_pixels(_add, sight.box, reference, collected[:groups])
        self._convolve(self._refine, collected[:groups], total, sight)
        assert sight.radius == 0
        return total

    def _convolve(
        self,
        convolution: WinogradConvolution,
        source: FloatArray,
        target: FloatArray,
        sight: _Sight,
    ) -> None:
        known = sight.box
        sight.radius -= convolution.dilation
        convolution(source, target, known=known, wanted=sight.box, workers=self._workers)

    def _conv(self, name: str, *, slope: float = 1.0, swap: bool = False) -> WinogradConvolution:
        weight = self._weights[f"{name}.weight"]
        if swap:
            weight = np.roll(weight, weight.shape[1] // 2, axis=1)
        return WinogradConvolution(weight, self._weights[f"{name}.bias"], slopes=slope)

    def _encode_frames(
        self,
        frames: FloatArray,
        ratios: FloatArray,
        features: Sequence[FloatArray],
        *,
        seen: FloatArray,
        box: Box,
    ) -> None:
        """What the network sees of each frame, as maps of one group, and the features of it.

        Args:
            frames: as they are given.
            ratios: their exposures.
            features: of each frame, written.
            seen: free maps.
            box: where the features are wanted.
        """
        whole = Box(0, 0, *frames.shape[1:3])
        channels = seen.reshape(-1, CHANNELS)
        for frame, ratio, its_features in zip(frames, ratios, features, strict=True):
            pixels = frame.reshape(-1, 3)

            def work(block: int, pixels: FloatArray = pixels, ratio: np.float32 = ratio) -> None:
                some = slice(block * _PIXELS, (block + 1) * _PIXELS)
                channels[some, :3] = pixels[some]
                channels[some, 3:6] = pixels[some] ** np.float32(GAMMA) / ratio

            self._workers.run(work, -(-len(pixels) // _PIXELS))
            self._encode(seen, its_features, known=whole, wanted=box, workers=self._workers)

    def _attend(
        self,
        pairs: Sequence[FloatArray],
        outer: Sequence[FloatArray],
        *,
        free: FloatArray,
        sight: _Sight,
    ) -> None:
        """Multiply the features of each outer frame, one of its pair, with its mask."""
        compared, mask = np.split(free[: 3 * self._groups], [2 * self._groups])
        known = sight.radius
        for layers, pair, features in zip(self._attention, pairs, outer, strict=True):
            sight.radius = known
            self._convolve(layers.compare, pair, compared, sight)
            self._convolve(layers.gate, compared, mask, sight)
            self._by_pixels(_apply_mask, sight.box, mask, features)

    def _with_scratch(self, end: BlockEnd, collected: FloatArray, total: FloatArray) -> None:
        end(collected, total, self._workers.scratch)

    def _by_pixels(
        self, work: Callable[[FloatArray, FloatArray], None], box: Box, *maps: FloatArray
    ) -> None:
        """Work on maps of the same pixels, given as (groups, some rows, width, `CHANNELS`)."""
        height, width = box.size
        across = -(-width // self._pixels)
        columns = -(-width // across)
        rows = max(self._pixels // columns, 1)

        def block(i: int) -> None:
            top, left = box.top + i // across * rows, box.left + i % across * columns
            bottom, right = min(top + rows, box.bottom), min(left + columns, box.right)
            work(*(x[:, top:bottom, left:right] for x in maps))

        self._workers.run(block, -(-height // rows) * across)


def _copy(given: FloatArray, to: FloatArray) -> None:
    to[...] = given


def _add(given: FloatArray, to: FloatArray) -> None:
    to += given


def _apply_mask(mask: FloatArray, features: FloatArray) -> None:
    """Multiply features with the sigmoid of the mask, which is overwritten."""
    np.negative(mask, out=mask)
    with np.errstate(over="ignore"):  # 1 / (1 + ∞) is 0, as it should be
        np.exp(mask, out=mask)
    mask += 1.0
    features /= mask
