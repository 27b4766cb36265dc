"""How much noise a bracket has, estimated from its frames.

Two estimates are made, and each can only be too high. Motion and camera shake add to the
difference between two frames, so a low quantile of all blocks is taken, and the lower of both
pairs of frames. Texture adds to the differences between neighbouring pixels of one frame. Where
this second estimate is lower, most of the difference between the frames is no noise, but the doing
of JPEG and of the camera's curve.
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
    """The `QUANTILE` of the blocks' estimates, times `bias`; infinity if there are too few."""
    if len(noise) < FEWEST:
        return float("inf")
    index = int((len(noise) - 1) * QUANTILE)
    return float(np.partition(noise, index)[index]) * bias
