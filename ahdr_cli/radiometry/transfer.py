"""Transfer functions between linear radiance and encoded values, with their inverses.

All functions are elementwise on arrays of any shape, keep the dtype of floating inputs,
and do not clip unless they say so: out-of-range values are the caller's business.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "GAMMA",
    "MU",
    "gamma_decode",
    "gamma_encode",
    "mu_law_compress",
    "mu_law_expand",
    "srgb_decode",
    "srgb_encode",
]

FloatT = TypeVar("FloatT", bound=NDArray[np.floating[Any]])

GAMMA = 2.2
"""Exponent of the camera curve in Kalantari & Ramamoorthi (2017) and Yan et al. (2019)."""

MU = 5000.0
"""Compression of the μ-law tonemapper in Yan et al. (2019) (training loss)."""

# IEC 61966-2-1: the straight part ends here, in linear and in encoded units.
_SRGB_LINEAR_END = 0.0031308
_SRGB_ENCODED_END = 0.04045


def gamma_decode(encoded: FloatT) -> FloatT:
    """Encoded values ≥ 0 to linear: x^γ."""
    return np.power(encoded, GAMMA)  # type: ignore[no-any-return] # numpy keeps the float dtype


def gamma_encode(linear: FloatT) -> FloatT:
    """Linear values ≥ 0 to encoded: x^(1/γ)."""
    return np.power(linear, 1.0 / GAMMA)  # type: ignore[no-any-return] # numpy keeps the float dtype


def mu_law_compress(linear: FloatT, mu: float = MU) -> FloatT:
    """μ-law range compression log(1 + μx) / log(1 + μ): the tonemapper of Yan et al. (2019).

    Args:
        linear: values ≥ 0; [0, 1] maps onto [0, 1].
        mu: amount of compression.
    """
    return np.log1p(linear * mu) / np.log1p(mu).astype(linear.dtype)  # type: ignore[no-any-return] # numpy keeps the float dtype


def mu_law_expand(compressed: FloatT, mu: float = MU) -> FloatT:
    """Inverse of :func:`mu_law_compress`."""
    return np.expm1(compressed * np.log1p(mu).astype(compressed.dtype)) / mu  # type: ignore[no-any-return] # numpy keeps the float dtype


def srgb_encode(linear: FloatT) -> FloatT:
    """Linear values in [0, 1] to sRGB, IEC 61966-2-1."""
    curve = 1.055 * np.power(np.maximum(linear, _SRGB_LINEAR_END), 1.0 / 2.4) - 0.055
    return np.where(linear <= _SRGB_LINEAR_END, 12.92 * linear, curve)  # type: ignore[return-value] # numpy keeps the float dtype


def srgb_decode(encoded: FloatT) -> FloatT:
    """Inverse of :func:`srgb_encode`: values in [0, 1] to linear, IEC 61966-2-1."""
    curve = np.power((np.maximum(encoded, _SRGB_ENCODED_END) + 0.055) / 1.055, 2.4)
    return np.where(encoded <= _SRGB_ENCODED_END, encoded / 12.92, curve)  # type: ignore[return-value] # numpy keeps the float dtype
