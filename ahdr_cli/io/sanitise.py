"""Values that a file can hold: finite, not negative, not beyond the format's range."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.images import FloatArray

__all__ = ["sanitised"]

_FLOAT32_MAX = float(np.finfo(np.float32).max)


def sanitised(pixels: NDArray[Any], *, largest: float = _FLOAT32_MAX) -> FloatArray:
    """A float32 copy with only finite values in [0, `largest`].

    +Inf and everything beyond becomes `largest`: a sun must not vanish. Negative values, which
    no radiance has, and NaN become 0.

    Args:
        pixels: floating-point values, any shape.
        largest: the largest finite value of the format.
    """
    with np.errstate(over="ignore"):  # beyond float32 is Inf, and so the largest
        clean = np.array(pixels, dtype=np.float32, order="C")
    np.nan_to_num(clean, copy=False, nan=0.0, posinf=largest, neginf=0.0)
    return np.clip(clean, 0.0, np.float32(largest), out=clean)
