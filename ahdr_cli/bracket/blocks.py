"""Frames compared block by block, to learn about the camera rather than the scene.

Decoded and divided by their exposures, two frames give the same light. Where nothing moved they
differ by noise alone, whatever the texture, except for a constant in each block: that comes from
the camera's curve, so it is left out of the noise and kept by itself. A single frame shows its
noise in the differences of neighbouring pixels, wherever there is no texture (after Immerkær,
"Fast noise variance estimation", CVIU 1996).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.images import FloatArray, PixelSource
from ahdr_cli.radiometry.noise import BLOCK, EXPOSED, READ
from ahdr_cli.radiometry.transfer import gamma_decode

__all__ = ["BracketBlocks", "PairBlocks", "compare_blocks"]

_WHOLE = 1 << 19
"""Frames of at most this many pixels are compared entirely, larger ones in some regions."""

_REGIONS = 5
"""Rows and columns of these regions."""

_SIDE = 16 * BLOCK
"""Side of a region in pixels: some of its 256 blocks are likely to be without texture."""


class PairBlocks(NamedTuple):
    """All K blocks that are well exposed both in a frame and in the next longer one.

    Attributes:
        light: (K, 2, 3) mean light in the darker and the brighter frame with γ 2.2, each in units
            of its own white.
        noise: (K,) estimates, in the unit of :mod:`ahdr_cli.radiometry.noise`, from how the two
            frames differ apart from a constant.
    """

    light: FloatArray
    noise: FloatArray


class BracketBlocks(NamedTuple):
    """The well exposed blocks of a bracket.

    Attributes:
        pairs: short and reference, reference and long.
        grain: (K,) estimates of the noise from how much neighbouring pixels of the reference
            differ.
    """

    pairs: tuple[PairBlocks, PairBlocks]
    grain: FloatArray


def compare_blocks(frames: Sequence[PixelSource], ratios: NDArray[np.float64]) -> BracketBlocks:
    """Compare the blocks of a bracket's frames.

    Args:
        frames: short, reference, long; (H, W, 3) display-encoded in [0, 1], aligned.
        ratios: (3,) exposures relative to the shortest.
    """
    short, reference, long = (
        _Blocks.of(frame, ratio) for frame, ratio in zip(frames, ratios.tolist(), strict=True)
    )
    pairs = _compare(short, reference), _compare(reference, long)
    return BracketBlocks(pairs=pairs, grain=_grain(reference))


def _regions(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the regions to compare: everything, or squares spread evenly."""
    if height * width <= _WHOLE:
        yield slice(0, height), slice(0, width)
        return
    tall, wide = min(_SIDE, height), min(_SIDE, width)
    tops, lefts = (
        [room * i // (_REGIONS - 1) for i in range(_REGIONS)]
        for room in (height - tall, width - wide)
    )
    for top, left in product(tops, lefts):
        yield slice(top, top + tall), slice(left, left + wide)


class _Blocks(NamedTuple):
    """All blocks of a frame. The K blocks come last, for numpy is fast along a long last axis.

    Attributes:
        light: (`BLOCK`, `BLOCK`, 3, K) with γ 2.2, in units of the frame's white.
        mean: (K,) of the encoded values.
        peak: (K,) largest encoded value.
        ratio: exposure relative to the shortest frame.
    """

    light: FloatArray
    mean: FloatArray
    peak: FloatArray
    ratio: float

    @classmethod
    def of(cls, frame: PixelSource, ratio: float) -> _Blocks:
        """The blocks of all regions, one region after the other, each row by row."""
        encoded = np.concatenate([_cut(frame[region]) for region in _regions(*frame.shape[:2])], 3)
        pixels = encoded.reshape(BLOCK * BLOCK * 3, encoded.shape[-1])
        return cls(gamma_decode(encoded), pixels.mean(axis=0), pixels.max(axis=0), ratio)

    def exposed_with(self, brighter: _Blocks) -> NDArray[np.bool_]:
        """(K,) which blocks are well exposed both here and in a brighter frame, see `EXPOSED`."""
        exposed: NDArray[np.bool_] = (self.mean > EXPOSED[0]) & (brighter.peak < EXPOSED[1])
        return exposed


def _cut(pixels: FloatArray) -> FloatArray:
    """(h, w, 3) → (`BLOCK`, `BLOCK`, 3, K); incomplete blocks at the ends are left out."""
    rows, columns = pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK
    cut = pixels[: rows * BLOCK, : columns * BLOCK]
    parted = cut.reshape(rows, BLOCK, columns, BLOCK, 3).transpose(1, 3, 4, 0, 2)
    return parted.reshape(BLOCK, BLOCK, 3, rows * columns)


def _compare(dark: _Blocks, bright: _Blocks) -> PairBlocks:
    """Blocks at the same positions in a darker and a brighter frame."""
    exposed = dark.exposed_with(bright)
    difference = bright.light / bright.ratio
    difference -= dark.light / dark.ratio
    variance = (
        difference.reshape(BLOCK * BLOCK, *difference.shape[2:]).var(axis=0, ddof=1).mean(axis=0)
    )
    means = np.stack([frame.light.mean(axis=(0, 1)).T for frame in (dark, bright)], axis=1)
    means, variance = means[exposed], variance[exposed]
    squares = np.square([dark.ratio, bright.ratio])
    expected = ((means.mean(axis=2) + READ) / squares).sum(axis=1)
    return PairBlocks(light=means, noise=variance / expected)


def _grain(blocks: _Blocks) -> FloatArray:
    """The noise by a frame's own pixels, of its well exposed blocks."""
    light = blocks.light
    rows = light[::2] - light[1::2]
    # The mixed second difference of four neighbouring pixels, in which linear gradients cancel.
    twist = rows[:, ::2] - rows[:, 1::2]
    twist *= 0.5
    variance = np.square(twist, out=twist).mean(axis=(0, 1, 2))
    noise: FloatArray = variance / (light.mean(axis=(0, 1, 2)) + READ)
    exposed: FloatArray = noise[blocks.exposed_with(blocks)]
    return exposed
