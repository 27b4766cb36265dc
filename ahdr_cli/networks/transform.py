"""The transform that separates noise from the scene: frequencies of small blocks.

White noise has the same deviation in every coefficient of an orthonormal transform, whereas the
scene is in few of them: in the low frequencies, and in brightness rather than in colour. It is the
discrete cosine transform (type 2; Ahmed, Natarajan & Rao, 1974) along rows, columns and the three
channels, where it makes brightness R + G + B of them, R - B and R - 2 G + B.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["block_frequencies"]


def block_frequencies(side: int) -> NDArray[np.float32]:
    """Everything of a block of `side` by `side` RGB pixels but its mean colour, orthonormal.

    Returns:
        (3 · (side² - 1), 3, side, side): patterns to be multiplied with a block and added up.
    """
    colour, place = _cosines(3), _cosines(side)
    patterns = np.einsum("kc,ay,bx->kabcyx", colour, place, place)
    patterns = patterns.reshape(3, side**2, 3, side, side)[:, 1:]
    return np.asarray(patterns.reshape(-1, 3, side, side), dtype=np.float32)


def _cosines(length: int) -> NDArray[np.float64]:
    """(frequency, place)."""
    frequency, place = np.ogrid[:length, :length]
    cosines = np.cos(math.pi / length * (place + 0.5) * frequency)
    norm: NDArray[np.float64] = np.sqrt(np.where(frequency == 0, 1.0, 2.0) / length)
    return cosines * norm
