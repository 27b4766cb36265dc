"""How much noise a bracket has.

Motion and camera shake can only add to how much blocks of two frames differ, so a low quantile of
all blocks is believed, and the pair of frames that says less.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.blocks import PairBlocks, compare_blocks
from ahdr_cli.images import FloatArray, PixelSource
from ahdr_cli.radiometry.noise import BIAS, FEWEST, LIKELY, QUANTILE, QUIETEST

__all__ = ["believed_noise", "estimate_noise"]


def estimate_noise(frames: Sequence[PixelSource], ratios: NDArray[np.float64]) -> float:
    """Variance of a frame's light per unit of light, in units of the frame's white.

    Args:
        frames: short, reference, long; (H, W, 3) display-encoded in [0, 1], aligned.
        ratios: (3,) exposures relative to the shortest.

    Returns:
        At least `QUIETEST`; `LIKELY` if no pixels are exposed well in two frames.
    """
    return believed_noise(compare_blocks(frames, ratios))


def believed_noise(pairs: Sequence[PairBlocks]) -> float:
    """As :func:`estimate_noise`, of blocks that are compared already."""
    told = [_quantile(pair.noise) for pair in pairs if len(pair.noise) >= FEWEST]
    return max(min(told, default=LIKELY), QUIETEST)


def _quantile(noise: FloatArray) -> float:
    place = int((len(noise) - 1) * QUANTILE)
    return float(np.partition(noise, place)[place]) * BIAS
