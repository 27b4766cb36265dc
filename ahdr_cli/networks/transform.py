"""The transform in which noise is told from the scene: frequencies of small blocks.

White noise has the same deviation in every coefficient of an orthonormal transform, whereas the
scene is in few of them: in the low frequencies, and in brightness rather than in colour.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["block_frequencies"]


def block_frequencies(side: int) -> NDArray[np.float32]:
    """Everything of a block of `side` by `side` RGB pixels but its mean colour, orthonormal.

    The discrete cosine transform (type 2; Ahmed, Natarajan & Rao, 1974) along rows and columns,
    of brightness (R + G + B) / √3, of R - B and of R - 2 G + B.

    Returns:
        (3 · (side² - 1), 3, side, side): patterns to be multiplied with a block and added up.
    """
    frequency, place = np.ogrid[:side, :side]
    cosine = np.cos(math.pi * (2 * place + 1) * frequency / (2 * side)) * math.sqrt(2.0 / side)
    cosine[0] /= math.sqrt(2.0)
    blocks = np.einsum("ay,bx->abyx", cosine, cosine).reshape(side**2, side, side)[1:]
    colours = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
    colours /= np.linalg.norm(colours, axis=1, keepdims=True)
    patterns = np.einsum("kc,fyx->kfcyx", colours, blocks).reshape(-1, 3, side, side)
    return np.asarray(patterns, dtype=np.float32)
