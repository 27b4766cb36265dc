"""How much noise a bracket has.

Motion and camera shake can only add to how much blocks of two frames differ, so a low quantile of
all blocks is believed, and the pair of frames that says less. Texture can only add to how much
neighbouring pixels of one frame differ: where that says less still, most of what two frames differ
by is no noise, but what JPEG and the curve make of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.blocks import BracketBlocks, PairBlocks, compare_blocks
from ahdr_cli.images import FloatArray, PixelSource
from ahdr_cli.radiometry.noise import BIAS, FEWEST, GRAIN_BIAS, HIDDEN, LIKELY, QUANTILE, QUIETEST

__all__ = ["believed_noise", "estimate_noise", "noise_between"]


def estimate_noise(frames: Sequence[PixelSource], ratios: NDArray[np.float64]) -> float:
    """Variance of a frame's light per unit of light, in units of the frame's white.

    Args:
        frames: short, reference, long; (H, W, 3) display-encoded in [0, 1], aligned.
        ratios: (3,) exposures relative to the shortest.

    Returns:
        At least `QUIETEST`; `LIKELY` if no pixels are exposed well in two frames.
    """
    return believed_noise(compare_blocks(frames, ratios))


def believed_noise(blocks: BracketBlocks) -> float:
    """As :func:`estimate_noise`, of blocks that are compared already."""
    between = noise_between(blocks.pairs)
    grain = _told(blocks.grain, bias=GRAIN_BIAS)
    return max(min(between, max(grain, HIDDEN * between)), QUIETEST)


def noise_between(pairs: Sequence[PairBlocks]) -> float:
    """The same as far as two frames tell it: by how much those differ that show the same."""
    least = min(_told(pair.noise, bias=BIAS) for pair in pairs)
    return max(least, QUIETEST) if np.isfinite(least) else LIKELY


def _told(noise: FloatArray, *, bias: float) -> float:
    """By a number of blocks; infinite if they are too few."""
    if len(noise) < FEWEST:
        return float("inf")
    place = int((len(noise) - 1) * QUANTILE)
    return float(np.partition(noise, place)[place]) * bias
