"""How much noise a bracket has.

Motion and camera shake can only add to how much blocks of two frames differ, so a low quantile of
all blocks is believed, and the pair of frames that says less. Texture can only add to how much
neighbouring pixels of one frame differ: where that says less still, most of what two frames differ
by is no noise, but what JPEG and the curve make of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ahdr_cli.bracket.blocks import BracketBlocks, PairBlocks
from ahdr_cli.images import FloatArray
from ahdr_cli.radiometry.noise import BIAS, FEWEST, GRAIN_BIAS, HIDDEN, LIKELY, QUANTILE, QUIETEST

__all__ = ["estimate_noise", "noise_between"]


def estimate_noise(blocks: BracketBlocks) -> float:
    """Variance of a frame's light per unit of light, in units of the frame's white.

    Returns:
        At least `QUIETEST`; `LIKELY` if no pixels are exposed well in two frames.
    """
    between = noise_between(blocks.pairs)
    grain = _quantile_noise(blocks.grain, bias=GRAIN_BIAS)
    return max(min(between, max(grain, HIDDEN * between)), QUIETEST)


def noise_between(pairs: Sequence[PairBlocks]) -> float:
    """The same, from the differences between frames alone."""
    least = min(_quantile_noise(pair.noise, bias=BIAS) for pair in pairs)
    return max(least, QUIETEST) if np.isfinite(least) else LIKELY


def _quantile_noise(noise: FloatArray, *, bias: float) -> float:
    """What `QUANTILE` of the blocks' estimates say, times `bias`; infinite if they are too few."""
    if len(noise) < FEWEST:
        return float("inf")
    index = int((len(noise) - 1) * QUANTILE)
    return float(np.partition(noise, index)[index]) * bias
