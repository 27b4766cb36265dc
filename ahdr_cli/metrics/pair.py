"""Checks that every metric makes of its two images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.errors import InputError

__all__ = ["Float64Array", "RealArray", "as_pair"]

RealArray = NDArray[np.floating[Any]]
Float64Array = NDArray[np.float64]


def as_pair(test: RealArray, reference: RealArray) -> tuple[Float64Array, Float64Array]:
    """Both images as float64.

    Args:
        test: (H, W, C) or (H, W), not empty, finite.
        reference: same shape.

    Raises:
        InputError: if they differ in shape, are no images, or hold NaN or infinite values.
    """
    if test.shape != reference.shape:
        raise InputError(f"images must have one shape, got {test.shape} and {reference.shape}")
    if test.ndim not in (2, 3) or test.size == 0:
        raise InputError(f"images must be (H, W, C) or (H, W) and not empty, got {test.shape}")
    for role, image in (("test", test), ("reference", reference)):
        broken = image.size - int(np.count_nonzero(np.isfinite(image)))
        if broken:
            raise InputError(f"the {role} image holds {broken} NaN or infinite values")
    return test.astype(np.float64, copy=False), reference.astype(np.float64, copy=False)
