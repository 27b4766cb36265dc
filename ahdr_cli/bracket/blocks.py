"""Frames compared block by block, to learn about the camera rather than the scene.

Decoded and divided by their exposures, two frames give the same light. Where nothing moved they
differ by noise alone, whatever the texture, except for a constant in each block: that comes from
the camera's curve, so it is left out of the noise and kept by itself. A single frame shows its
noise in the differences of neighbouring pixels, wherever there is no texture (after Immerkær,
"Fast noise variance estimation", CVIU 1996).
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
    """Rows and columns of the regions to compare: everything, or squares spread evenly."""
    if height * width <= _WHOLE:
        yield slice(0, height), slice(0, width)
        return
    tall, wide = min(_SIDE, height), min(_SIDE, width)
    for top in np.linspace(0, height - tall, _REGIONS).astype(int).tolist():
        for left in np.linspace(0, width - wide, _REGIONS).astype(int).tolist():
            yield slice(top, top + tall), slice(left, left + wide)


def _blocks(pixels: FloatArray) -> FloatArray:
    """(h, w, 3) → (blocks, pixels of a block, 3); incomplete blocks at the ends are left out."""
    rows, columns = pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK
    cut = pixels[: rows * BLOCK, : columns * BLOCK]
    parted = cut.reshape(rows, BLOCK, columns, BLOCK, 3).swapaxes(1, 2)
    return parted.reshape(rows * columns, BLOCK * BLOCK, 3)


def _compare(
    dark: FloatArray, dark_ratio: float, bright: FloatArray, bright_ratio: float
) -> PairBlocks:
    """Blocks at the same positions in a darker and a brighter frame."""
    exposed = _exposed(dark, bright)
    light = [gamma_decode(blocks[exposed]) for blocks in (dark, bright)]
    difference = light[1] / bright_ratio - light[0] / dark_ratio
    variance = difference.var(axis=1, ddof=1).mean(axis=1)
    means = np.stack([values.mean(axis=1) for values in light], axis=1)
    squares = np.square([dark_ratio, bright_ratio])
    expected = ((means.mean(axis=2) + READ) / squares).sum(axis=1)
    return PairBlocks(light=means, noise=variance / expected)


def _grain(blocks: FloatArray) -> FloatArray:
    """The noise by a frame's own pixels, of its well exposed blocks."""
    light = gamma_decode(blocks[_exposed(blocks, blocks)])
    squares = light.reshape(-1, BLOCK // 2, 2, BLOCK // 2, 2, 3)
    rows = squares[:, :, 0] - squares[:, :, 1]
    # The mixed second difference of four neighbouring pixels, in which linear gradients cancel.
    twist = 0.5 * (rows[..., 0, :] - rows[..., 1, :])
    variance = np.square(twist).mean(axis=(1, 2, 3))
    noise: FloatArray = variance / (light.mean(axis=(1, 2)) + READ)
    return noise


def _exposed(dark: FloatArray, bright: FloatArray) -> NDArray[np.bool_]:
    """Which blocks are well exposed in both frames, see `EXPOSED`."""
    exposed: NDArray[np.bool_] = (dark.mean(axis=(1, 2)) > EXPOSED[0]) & (
        bright.max(axis=(1, 2)) < EXPOSED[1]
    )
    return exposed
