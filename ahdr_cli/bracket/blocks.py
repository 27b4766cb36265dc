"""Frames compared block by block: what they tell of the camera, apart from the scene.

Two frames of one exposure tell the same light, so that they differ by noise alone wherever nothing
moved, whatever the texture. A block's mean difference is left out of that: the camera's curve
makes it, and it is looked at apart. What a frame alone shows of its noise is in the differences of
neighbouring pixels, wherever there is no texture (after Immerkær, "Fast noise variance
estimation", CVIU 1996).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.images import FloatArray, PixelSource
from ahdr_cli.radiometry.noise import BLOCK, EXPOSED, READ
from ahdr_cli.radiometry.transfer import gamma_decode

__all__ = ["BracketBlocks", "PairBlocks", "compare_blocks"]

_WHOLE = 1 << 19
"""Pixels up to which all of a bracket is looked at."""

_REGIONS = 5
"""Rows and columns of regions that are looked at in a larger one."""

_SIDE = 16 * BLOCK
"""Of such a region in pixels: large enough for blocks without texture to be among its 256."""


class PairBlocks(NamedTuple):
    """All blocks that are exposed well in a frame and in the next longer one.

    Attributes:
        light: (K, 2, 3) mean light in the darker and the brighter frame with γ 2.2, each in units
            of its own white.
        noise: (K,) the noise that would explain how the two differ but for a constant, see
            :mod:`ahdr_cli.radiometry.noise`.
    """

    light: FloatArray
    noise: FloatArray


class BracketBlocks(NamedTuple):
    """All blocks of a bracket that tell anything.

    Attributes:
        pairs: short and reference, reference and long.
        grain: (K,) the noise that would explain how much neighbouring pixels of the reference
            differ, of its well exposed blocks.
    """

    pairs: tuple[PairBlocks, PairBlocks]
    grain: FloatArray


def compare_blocks(frames: Sequence[PixelSource], ratios: NDArray[np.float64]) -> BracketBlocks:
    """Look at a bracket's blocks.

    Args:
        frames: short, reference, long; (H, W, 3) display-encoded in [0, 1], aligned.
        ratios: (3,) exposures relative to the shortest.
    """
    found: tuple[list[PairBlocks], list[PairBlocks]] = ([], [])
    grain: list[FloatArray] = []
    for rows, columns in _regions(frames[0].shape[0], frames[0].shape[1]):
        blocks = [_blocks(np.asarray(frame[rows, columns])) for frame in frames]
        exposed = [*zip(blocks, ratios.tolist(), strict=True)]
        for parts, (dark, bright) in zip(found, pairwise(exposed), strict=True):
            parts.append(_compare(*dark, *bright))
        grain.append(_grain(blocks[1]))
    first, second = (PairBlocks(*map(np.concatenate, zip(*parts, strict=True))) for parts in found)
    return BracketBlocks(pairs=(first, second), grain=np.concatenate(grain))


def _regions(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """What is looked at: everything, or squares spread evenly."""
    if height * width <= _WHOLE:
        yield slice(0, height), slice(0, width)
        return
    tall, wide = min(_SIDE, height), min(_SIDE, width)
    for top in np.linspace(0, height - tall, _REGIONS).astype(int).tolist():
        for left in np.linspace(0, width - wide, _REGIONS).astype(int).tolist():
            yield slice(top, top + tall), slice(left, left + wide)


def _blocks(pixels: FloatArray) -> FloatArray:
    """(h, w, 3) → (blocks, pixels of a block, 3); what is left over at the ends is left out."""
    rows, columns = pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK
    cut = pixels[: rows * BLOCK, : columns * BLOCK]
    parted = cut.reshape(rows, BLOCK, columns, BLOCK, 3).swapaxes(1, 2)
    return parted.reshape(rows * columns, BLOCK * BLOCK, 3)


def _compare(
    dark: FloatArray, dark_ratio: float, bright: FloatArray, bright_ratio: float
) -> PairBlocks:
    """The same places in two frames."""
    exposed = _exposed(dark, bright)
    light = [gamma_decode(blocks[exposed]) for blocks in (dark, bright)]
    told = light[1] / bright_ratio - light[0] / dark_ratio
    variance = told.var(axis=1, ddof=1).mean(axis=1)
    means = np.stack([values.mean(axis=1) for values in light], axis=1)
    squares = np.square([dark_ratio, bright_ratio])
    expected = ((means.mean(axis=2) + READ) / squares).sum(axis=1)
    return PairBlocks(light=means, noise=variance / expected)


def _grain(blocks: FloatArray) -> FloatArray:
    """The noise that a frame's own pixels tell, of its well exposed blocks."""
    light = gamma_decode(blocks[_exposed(blocks, blocks)])
    squares = light.reshape(-1, BLOCK // 2, 2, BLOCK // 2, 2, 3)
    rows = squares[:, :, 0] - squares[:, :, 1]
    across = 0.5 * (rows[..., 0, :] - rows[..., 1, :])
    variance = np.square(across).mean(axis=(1, 2, 3))
    noise: FloatArray = variance / (light.mean(axis=(1, 2)) + READ)
    return noise


def _exposed(dark: FloatArray, bright: FloatArray) -> NDArray[np.bool_]:
    """Which blocks lie between `EXPOSED`."""
    exposed: NDArray[np.bool_] = (dark.mean(axis=(1, 2)) > EXPOSED[0]) & (
        bright.max(axis=(1, 2)) < EXPOSED[1]
    )
    return exposed
