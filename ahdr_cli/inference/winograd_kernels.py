"""What the kernels of Winograd's F(4×4, 3×3) share.

A 3×3 convolution computes 4×4 pixels from a patch of 6×6 in 36 multiplications for each pair of
channels, where the direct sum needs 144 (Lavin & Gray, "Fast Algorithms for Convolutional Neural
Networks", CVPR 2016, section 4). Patches and weights are transformed to 36 components, each
component is a matrix product over channels, and the products are transformed back. Patches are in
:mod:`ahdr_cli.inference.winograd_patches`, products in
:mod:`ahdr_cli.inference.winograd_products`, weights in :mod:`ahdr_cli.inference.winograd`.

The polynomials behind it are evaluated at 0, ±1/√2, ±√2 and infinity. These points lose a quarter
of the accuracy that the usual 0, ±1, ±2 lose (9e-6 and 4e-5 of the output's deviation at most, 128
channels), at as many operations.

Feature maps are float32 arrays (groups, h, w, `CHANNELS`), channels in groups, so that rows of a
group are contiguous. Components of transformed patches lie `COMPONENT` floats apart.

Why the kernels look as they do: indices are unsigned, because numba makes signed ones wrap around,
and distances are constants wherever they can be, because only then does LLVM see that arrays do
not overlap. Both decide whether it makes vector code, which is five times as fast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeAlias, TypeVar

import numpy as np
from numba import njit

from ahdr_cli.inference.winograd_support import CHANNELS

__all__ = [
    "COMPONENT",
    "FAR",
    "HALF",
    "INPUTS",
    "LINE",
    "NEAR",
    "POINTS",
    "STEP",
    "TWO",
    "ZERO",
    "Extent",
    "Pitch",
    "Real",
    "compiled",
    "inlined",
    "multiples",
    "patches_of",
]

INPUTS = 4 * CHANNELS
"""Most channels that are transformed at a time. The weights of so many for 64 outputs fit a core's
first cache beside a few patches: matrix products of 192 inputs take a tenth longer than those of
128 and 64."""

_FLOATS = 60 * INPUTS
COMPONENT = _FLOATS + 48
"""Floats from one component to the next. So many fit a core's second cache (1.1 MB of components),
and are enough for the matrix products to reach 90 % of the rate of large ones; and they are no
multiple of a page, where components would share the same few lines of the first cache."""

_MOST_PATCHES = 80  # of few channels; more take longer to collect than their products save

POINTS = (0.0, 0.5**0.5, -(0.5**0.5), 2.0**0.5, -(2.0**0.5))
"""Where polynomials are evaluated, besides infinity."""

_P = ParamSpec("_P")
_R = TypeVar("_R")

# NaN and infinity are kept; only a product and a sum may be fused, and the sign of zero lost.
_FUSED = {"contract", "nsz"}


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Machine code on the first call, kept on disk; it runs without Python's lock."""
    try:
        return njit(cache=True, nogil=True, fastmath=_FUSED, boundscheck=False)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written to
        return njit(nogil=True, fastmath=_FUSED, boundscheck=False)(function)


def inlined(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Part of the compiled functions that call it."""
    return njit(inline="always", fastmath=_FUSED, boundscheck=False)(function)


NEAR, FAR = np.float32(POINTS[1]), np.float32(POINTS[3])
HALF, TWO = np.float32(0.5), np.float32(2.0)
"""Powers of the points, which the transforms are made of."""

ZERO = np.uint64(0)
STEP = np.uint64(CHANNELS)
"""Floats from one pixel to the next where pixels lie side by side."""
LINE = np.uint64(6 * CHANNELS)
"""Floats of a line of a patch."""

Real: TypeAlias = np.float32
Pitch: TypeAlias = tuple[np.uint64, np.uint64]
"""Floats from one pixel to the next, and from one row to the next."""
Extent: TypeAlias = tuple[int, int, int, int, int, int]
"""Height and width of maps, then first row and column of a part, and those after the last."""


def multiples(distance: int) -> tuple[np.uint64, ...]:
    """Once to five times a distance."""
    return tuple(np.uint64(distance * i) for i in range(1, 6))


def patches_of(inputs: int) -> int:
    """How many patches of so many channels, at most `INPUTS`, are transformed at a time."""
    return min(_FLOATS // inputs, _MOST_PATCHES)
