"""Radiance limited to what a file can hold: finite, not negative, within the format's range."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.images import FloatArray

__all__ = ["FLOAT32_LARGEST", "sanitised"]

FLOAT32_LARGEST = float(np.finfo(np.float32).max)
_AT_ONCE = 1 << 18  # values, so that temporary arrays stay small


def sanitised(pixels: NDArray[Any], *, largest: float = FLOAT32_LARGEST) -> FloatArray:
    """The same values in float32, finite and in [0, `largest`].

    +Inf and everything above `largest` become `largest`: a sun must not vanish. NaN and negative
    values, which no radiance has, become 0.

    Args:
        pixels: floating-point values, any shape.
        largest: the largest finite value of the format.

    Returns:
        `pixels` itself where nothing is to be done, else a copy; in C order.
    """
    if _is_clean(pixels, largest):
        return pixels
    with np.errstate(over="ignore"):  # beyond float32 is Inf, and so the largest
        clean = np.array(pixels, dtype=np.float32, order="C")
    flat = clean.reshape(-1)
    for start in range(0, flat.size, _AT_ONCE):
        part = flat[start : start + _AT_ONCE]
        np.nan_to_num(part, copy=False, nan=0.0, posinf=largest, neginf=0.0)
        np.clip(part, 0.0, np.float32(largest), out=part)
    return clean


def _is_clean(pixels: NDArray[Any], largest: float) -> bool:
    if pixels.dtype != np.float32 or not pixels.flags.c_contiguous or pixels.size == 0:
        return False
    # NaN makes both comparisons false.
    return bool(pixels.min() >= 0.0 and pixels.max() <= np.float32(largest))
