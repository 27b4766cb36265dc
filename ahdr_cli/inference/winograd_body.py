"""AHDRNet on feature maps in groups of channels, up to the features that radiance is made of.

It follows :meth:`AHDRNet._body` line by line, with three liberties. Nothing is concatenated:
features of the frames lie beside each other, and so do those that dense layers add. The fold of
all blocks' outputs is summed up as the blocks finish. And where a convolution takes a frame's
features before the reference's, its weights change places instead of the features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.winograd import WinogradConvolution
from ahdr_cli.inference.winograd_support import CHANNELS
from ahdr_cli.inference.workers import Workers
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.constants import LEAKY_SLOPE
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["WinogradBody", "map_channels"]

_PIXELS = 512
"""Of a block for what is done to pixels one by one."""


def map_channels(config: AHDRConfig) -> int:
    """Channels that a body works on: the frames' features and what it makes of them."""
    residual = config.block == "rb"
    added = 2 * config.features if residual else config.layers * config.growth
    return 3 * config.features + max(3 * config.features, added)


class _Attention(NamedTuple):
    compare: WinogradConvolution
    gate: WinogradConvolution


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
        self._layers = [self._block(f"blocks.{i}") for i in range(config.num_blocks)]
        self._spread, self._refine = self._conv("spread"), self._conv("refine")

    def __call__(self, frames: FloatArray, ratios: FloatArray, maps: FloatArray) -> FloatArray:
        """Frames → features of the merged image.

        Args:
            frames: (3, h, w, 3), short, reference, long, as they are given.
            ratios: (3,), exposures relative to the shortest.
            maps: of :func:`map_channels` channels and that size, overwritten.

        Returns:
            Some of the maps, of `features` channels.
        """
        groups, workers = self._groups, self._workers
        short, reference, long = (maps[i * groups : (i + 1) * groups] for i in range(3))
        free = maps[3 * groups :]
        self._encode_frames(frames, ratios, (short, reference, long), seen=free[:1])
        if self._attention:
            of_short, of_long = self._attention
            self._attend(of_short, maps[: 2 * groups], outer=short, free=free)
            self._attend(of_long, maps[groups : 3 * groups], outer=long, free=free)
        self._merge(maps[: 3 * groups], free[:groups], workers=workers)

        # From here on the outer frames' features are not needed, and their place is.
        collected, total = maps[2 * groups :], short
        self._by_pixels(_copy, free[:groups], long)
        for i, layers in enumerate(self._layers):
            end = groups
            for layer in layers:
                first = end - groups if self._config.block == "rb" else 0
                layer(collected[first:end], collected[end : end + self._added], workers=workers)
                end += self._added
            self._fold(i, collected[:end], total)
        self._spread(total, collected[:groups], workers=workers)
        self._by_pixels(_add, reference, collected[:groups])
        self._refine(collected[:groups], total, workers=workers)
        return total

    @property
    def _added(self) -> int:
        """Groups that a layer of a block adds."""
        return self._groups if self._config.block == "rb" else self._config.growth // CHANNELS

    def _conv(
        self, name: str, *, dilation: int = 1, slope: float = 1.0, swap: bool = False
    ) -> WinogradConvolution:
        weight = self._weights[f"{name}.weight"]
        if swap:
            weight = np.roll(weight, weight.shape[1] // 2, axis=1)
        rest = -weight.shape[1] % CHANNELS
        weight = np.pad(weight, ((0, 0), (0, rest), (0, 0), (0, 0)))
        return WinogradConvolution(
            weight, self._weights[f"{name}.bias"], dilation=dilation, slope=slope
        )

    def _block(self, name: str) -> list[WinogradConvolution]:
        """The 3×3 convolutions of a block."""
        if self._config.block == "rb":
            return [self._conv(f"{name}.first", slope=0.0), self._conv(f"{name}.second")]
        dilation = 2 if self._config.block == "drdb" else 1
        return [
            self._conv(f"{name}.layers.{i}", dilation=dilation, slope=0.0)
            for i in range(self._config.layers)
        ]

    def _encode_frames(
        self,
        frames: FloatArray,
        ratios: FloatArray,
        features: Sequence[FloatArray],
        *,
        seen: FloatArray,
    ) -> None:
        """What the network sees of each frame, as maps of one group, and the features of it."""
        seen[...] = 0.0
        channels = seen.reshape(-1, CHANNELS)
        for frame, ratio, its_features in zip(frames, ratios, features, strict=True):
            pixels = frame.reshape(-1, 3)

            def work(block: int, pixels: FloatArray = pixels, ratio: np.float32 = ratio) -> None:
                some = slice(block * _PIXELS, (block + 1) * _PIXELS)
                channels[some, :3] = pixels[some]
                channels[some, 3:6] = pixels[some] ** np.float32(GAMMA) / ratio

            self._workers.run(work, -(-len(pixels) // _PIXELS))
            self._encode(seen, its_features, workers=self._workers)

    def _attend(
        self, layers: _Attention, pair: FloatArray, *, outer: FloatArray, free: FloatArray
    ) -> None:
        """Multiply the features of an outer frame, one of the pair, with its mask."""
        compared, mask = np.split(free[: 3 * self._groups], [2 * self._groups])
        layers.compare(pair, compared, workers=self._workers)
        layers.gate(compared, mask, workers=self._workers)
        self._by_pixels(_apply_mask, mask, outer)

    def _fold(self, block: int, collected: FloatArray, total: FloatArray) -> None:
        """The end of a block: its output replaces its input, and its share goes to the total."""
        features = self._config.features
        columns = slice(block * features, (block + 1) * features)
        share = np.ascontiguousarray(self._weights["fold.weight"][:, columns, 0, 0].T)
        bias = self._weights["fold.bias"]
        residual = self._config.block == "rb"
        if not residual:
            name = f"blocks.{block}.fold"
            fold = np.ascontiguousarray(self._weights[f"{name}.weight"][:, :, 0, 0].T)
            fold_bias = self._weights[f"{name}.bias"]

        def work(x: FloatArray, y: FloatArray) -> None:
            count, channels = x.shape[1], len(x) * CHANNELS
            scratch = self._workers.scratch
            pixels = scratch[: count * channels].reshape(count, channels)
            merged = scratch[pixels.size :][: count * features].reshape(count, features)
            given = scratch[pixels.size + merged.size :][: count * features].reshape(merged.shape)
            np.copyto(pixels.reshape(count, len(x), CHANNELS), x.transpose(1, 0, 2))
            if residual:
                np.add(pixels[:, :features], pixels[:, -features:], out=merged)
            else:
                np.matmul(pixels, fold, out=merged)
                merged += fold_bias
                merged += pixels[:, :features]
            x[: self._groups] = _grouped(merged)
            np.matmul(merged, share, out=given)
            if block == 0:
                np.add(_grouped(given), bias.reshape(-1, 1, CHANNELS), out=y)
            else:
                y += _grouped(given)

        self._by_pixels(work, collected, total)

    def _by_pixels(self, work: Callable[[FloatArray, FloatArray], None], *maps: FloatArray) -> None:
        """Work on maps of the same pixels, given as (groups, some pixels, `CHANNELS`)."""
        flat = [x.reshape(len(x), -1, CHANNELS) for x in maps]
        pixels = flat[0].shape[1]

        def block(i: int) -> None:
            work(*(x[:, i * _PIXELS : (i + 1) * _PIXELS] for x in flat))

        self._workers.run(block, -(-pixels // _PIXELS))


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


def _grouped(pixels: FloatArray) -> FloatArray:
    """(n, channels) → (groups, n, `CHANNELS`), a view."""
    return pixels.reshape(len(pixels), -1, CHANNELS).transpose(1, 0, 2)
