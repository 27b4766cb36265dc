"""Bicubic resizing with antialiasing, as MATLAB's `imresize` does it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["resize"]


def resize(image: Tensor, shape: tuple[int, int]) -> Tensor:
    """Resample the last two axes.

    Keys' cubic with a = -0.5, stretched when shrinking; weights sum to one; borders mirror with
    the edge sample repeated. Values may leave the range of the input.

    Args:
        image: (..., H, W) float64.
        shape: new height and width.

    Returns:
        (..., h, w); `image` itself if that is its size.
    """
    height, width = image.shape[-2:]
    if (height, width) == shape:
        return image
    rows = torch.from_numpy(_weights(height, shape[0])).to(image)
    columns = torch.from_numpy(_weights(width, shape[1])).to(image)
    # The cheaper product first: whichever axis shrinks more.
    if shape[0] * width < shape[1] * height:
        return (rows @ image) @ columns.T
    return rows @ (image @ columns.T)


@lru_cache(maxsize=64)
def _weights(old: int, new: int) -> NDArray[np.float64]:
    """(new, old) matrix that resamples one axis."""
    scale = new / old
    stretch = min(scale, 1.0)
    support = 4.0 / stretch
    centre = np.arange(1, new + 1) / scale + 0.5 * (1.0 - 1.0 / scale)  # counts from 1
    first = np.floor(centre - support / 2.0)
    taps = first[:, None] + np.arange(int(np.ceil(support)) + 2)
    weights = _cubic(stretch * (centre[:, None] - taps))
    weights /= weights.sum(axis=1, keepdims=True)
    # … 2 1 | 1 2 … n | n n-1 …: a period of 2n, folded.
    folded = np.mod(taps.astype(np.int64) - 1, 2 * old)
    source = np.where(folded < old, folded, 2 * old - 1 - folded)
    matrix = np.zeros((new, old))
    np.add.at(matrix, (np.arange(new)[:, None], source), weights)
    return matrix


def _cubic(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel with a = -0.5."""
    distance = np.abs(t)
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1.0
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4.0 * distance + 2.0
    return np.where(distance <= 1.0, near, np.where(distance <= 2.0, far, 0.0))
