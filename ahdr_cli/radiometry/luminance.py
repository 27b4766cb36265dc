"""Luminance of linear RGB."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["REC709_WEIGHTS", "luminance"]

FloatT = TypeVar("FloatT", bound=NDArray[np.floating[Any]])

REC709_WEIGHTS = (0.2126, 0.7152, 0.0722)
"""Y of linear R, G, B with the primaries of sRGB and D65 white (ITU-R BT.709-6, item 3.2)."""


def luminance(linear: FloatT) -> FloatT:
    """Relative luminance Y of linear RGB with BT.709 primaries.

    Args:
        linear: (..., 3) linear RGB.

    Returns:
        (...), same dtype and unit: equal channels keep their value.
    """
    return linear @ np.asarray(REC709_WEIGHTS, dtype=linear.dtype)  # type: ignore[return-value] # numpy keeps the float dtype
