"""Transforms of Winograd's F(4×4, 3×3), compiled by numba for the processor at hand.

A 3×3 convolution computes 4×4 pixels from a patch of 6×6 in 36 multiplications for each pair of
channels, where the direct sum needs 144 (Lavin & Gray, "Fast Algorithms for Convolutional Neural
Networks", CVPR 2016, section 4). Patches and weights are transformed to 36 components, each
component is a matrix product over channels, and the products are transformed back. Here are the
transforms of patches; weights and products are in :mod:`ahdr_cli.inference.winograd`.

The polynomials behind it are evaluated at 0, ±1/√2, ±√2 and infinity. These points lose a quarter
of the accuracy that the usual 0, ±1, ±2 lose (9e-6 and 4e-5 of the output's deviation at most, 128
channels), at as many operations.

Feature maps are float32 arrays (groups, h, w, `CHANNELS`), channels in groups, so that rows of a
group are contiguous. Components of transformed patches lie `COMPONENT` floats apart.

Why the code looks as it does: indices are unsigned, because numba makes signed ones wrap around,
and distances are constants wherever they can be, because only then does LLVM see that arrays do
not overlap. Both decide whether it makes vector code, which is five times as fast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeAlias, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.winograd_support import CHANNELS, WIDEST

__all__ = ["COMPONENT", "PATCHES", "POINTS", "transform_patches", "transform_products"]

PATCHES = 40
"""Most patches of a block. Few enough for a core's second cache (1.3 MB of components at 224
channels), and enough for the matrix products to reach 90 % of the rate of large ones."""

COMPONENT = PATCHES * WIDEST + 48
"""Floats from one component to the next: no multiple of a page, where they would share the same
few lines of the first cache."""

POINTS = (0.0, 0.5**0.5, -(0.5**0.5), 2.0**0.5, -(2.0**0.5))
"""Where polynomials are evaluated, besides infinity."""

_P = ParamSpec("_P")
_R = TypeVar("_R")

# NaN and infinity are kept; only a product and a sum may be fused, and the sign of zero lost.
_FUSED = {"contract", "nsz"}


def _compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Machine code on the first call, kept on disk; it runs without Python's lock."""
    try:
        return njit(cache=True, nogil=True, fastmath=_FUSED, boundscheck=False)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written to
        return njit(nogil=True, fastmath=_FUSED, boundscheck=False)(function)


def _inlined(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Part of the compiled functions that call it."""
    return njit(inline="always", fastmath=_FUSED, boundscheck=False)(function)


_NEAR, _FAR = np.float32(POINTS[1]), np.float32(POINTS[3])
_HALF, _TWO, _SUM = np.float32(0.5), np.float32(2.0), np.float32(2.5)

_0, _6 = np.uint64(0), np.uint64(6)
_STEP = np.uint64(CHANNELS)
_LINE = np.uint64(6 * CHANNELS)
_BLOCK_LINE = np.uint64(4 * CHANNELS)
_NEXT = np.uint64(COMPONENT)
_S1, _S2, _S3, _S4, _S5 = (np.uint64(CHANNELS * i) for i in range(1, 6))
_L1, _L2, _L3, _L4, _L5 = (np.uint64(6 * CHANNELS * i) for i in range(1, 6))
_C1, _C2, _C3, _C4, _C5 = (np.uint64(6 * COMPONENT * i) for i in range(1, 6))

_Real: TypeAlias = np.float32
_Six: TypeAlias = tuple[_Real, _Real, _Real, _Real, _Real, _Real]
_Four: TypeAlias = tuple[_Real, _Real, _Real, _Real]
_Pitch: TypeAlias = tuple[np.uint64, np.uint64]
"""Floats from one pixel to the next, and from one row to the next."""


@_inlined
def _forward(d0: _Real, d1: _Real, d2: _Real, d3: _Real, d4: _Real, d5: _Real) -> _Six:
    """Six values of a line → its components."""
    near, near_odd = d4 - _TWO * d2, _NEAR * (d3 - _TWO * d1)
    far, far_odd = d4 - _HALF * d2, _FAR * (d3 - _HALF * d1)
    return (
        d0 - _SUM * d2 + d4,
        near + near_odd,
        near - near_odd,
        far + far_odd,
        far - far_odd,
        d1 - _SUM * d3 + d5,
    )


@_inlined
def _backward(m0: _Real, m1: _Real, m2: _Real, m3: _Real, m4: _Real, m5: _Real) -> _Four:
    """Six components → the four values of a line."""
    near, near_odd = m1 + m2, _NEAR * (m1 - m2)
    far, far_odd = m3 + m4, _FAR * (m3 - m4)
    return (
        m0 + near + far,
        near_odd + far_odd,
        _HALF * near + _TWO * far,
        _HALF * near_odd + _TWO * far_odd + m5,
    )


@_inlined
def _rows_forward(x: FloatArray, start: np.uint64, pitch: _Pitch, lines: FloatArray) -> None:
    """Each row of a patch of `x`."""
    step, row = pitch
    x2 = step + step
    x3 = x2 + step
    x4 = x3 + step
    x5 = x4 + step
    to = _0
    for _ in range(6):
        for c in range(_STEP):
            i, o = start + c, to + c
            v = _forward(x[i], x[i + step], x[i + x2], x[i + x3], x[i + x4], x[i + x5])
            lines[o], lines[o + _S1], lines[o + _S2] = v[0], v[1], v[2]
            lines[o + _S3], lines[o + _S4], lines[o + _S5] = v[3], v[4], v[5]
        start += row
        to += _LINE


@_inlined
def _columns_forward(lines: FloatArray, out: FloatArray, to: np.uint64) -> None:
    """Each column of a patch whose rows are done, into the 36 components of `out`."""
    start = _0
    for _ in range(6):
        for c in range(_STEP):
            i, o = start + c, to + c
            v = _forward(
                lines[i],
                lines[i + _L1],
                lines[i + _L2],
                lines[i + _L3],
                lines[i + _L4],
                lines[i + _L5],
            )
            out[o], out[o + _C1], out[o + _C2] = v[0], v[1], v[2]
            out[o + _C3], out[o + _C4], out[o + _C5] = v[3], v[4], v[5]
        start += _STEP
        to += _NEXT


@_inlined
def _columns_backward(
    products: FloatArray, start: np.uint64, component: np.uint64, lines: FloatArray
) -> None:
    """Each column of products, `component` floats apart, → the four rows of a block."""
    p1 = _6 * component
    p2 = p1 + p1
    p3 = p2 + p1
    p4 = p3 + p1
    p5 = p4 + p1
    to = _0
    for _ in range(6):
        for c in range(_STEP):
            i, o = start + c, to + c
            v = _backward(
                products[i],
                products[i + p1],
                products[i + p2],
                products[i + p3],
                products[i + p4],
                products[i + p5],
            )
            lines[o], lines[o + _L1], lines[o + _L2], lines[o + _L3] = v
        start += component
        to += _STEP


@_inlined
def _rows_backward(
    lines: FloatArray,
    bias: FloatArray,
    first: np.uint64,
    slope: np.float32,
    out: FloatArray,
    to: np.uint64,
    pitch: _Pitch,
) -> None:
    """Each row of a block of `out`, with bias and (leaky) ReLU."""
    step, row = pitch
    o2 = step + step
    o3 = o2 + step
    start = _0
    for _ in range(4):
        for c in range(_STEP):
            i, o = start + c, to + c
            v0, v1, v2, v3 = _backward(
                lines[i],
                lines[i + _S1],
                lines[i + _S2],
                lines[i + _S3],
                lines[i + _S4],
                lines[i + _S5],
            )
            b = bias[first + c]
            v0, v1, v2, v3 = v0 + b, v1 + b, v2 + b, v3 + b
            out[o], out[o + step] = max(v0, v0 * slope), max(v1, v1 * slope)
            out[o + o2], out[o + o3] = max(v2, v2 * slope), max(v3, v3 * slope)
        start += _LINE
        to += row


@_compiled
def transform_patches(
    maps: FloatArray,
    size: tuple[int, int],
    inputs: int,
    dilation: int,
    places: NDArray[np.int64],
    components: FloatArray,
) -> None:
    """The components of patches of feature maps, zero outside of them.

    Args:
        maps: flat (inputs / `CHANNELS`, *size, `CHANNELS`).
        size: height and width.
        inputs: channels.
        dilation: pixels from one of a patch to the next.
        places: (n, 2), row and column of the first pixel that a patch is to yield.
        components: flat (36, `COMPONENT`), the beginning of each is filled with (n, inputs).
    """
    height, width = size
    lines = np.empty(36 * CHANNELS, np.float32)
    patch = np.empty(36 * CHANNELS, np.float32)
    pitch = np.uint64(dilation * CHANNELS), np.uint64(dilation * width * CHANNELS)
    reach = 5 * dilation
    for n in range(places.shape[0]):
        top, left = places[n, 0] - dilation, places[n, 1] - dilation
        for first in range(0, inputs, CHANNELS):
            group = first * height * width
            if top >= 0 and left >= 0 and top + reach < height and left + reach < width:
                start = group + (top * width + left) * CHANNELS
                _rows_forward(maps, np.uint64(start), pitch, lines)
            else:
                for i in range(6):
                    for j in range(6):
                        y, x = top + i * dilation, left + j * dilation
                        to = (6 * i + j) * CHANNELS
                        if 0 <= y < height and 0 <= x < width:
                            start = group + (y * width + x) * CHANNELS
                            patch[to : to + CHANNELS] = maps[start : start + CHANNELS]
                        else:
                            patch[to : to + CHANNELS] = 0.0
                _rows_forward(patch, _0, (_STEP, _LINE), lines)
            _columns_forward(lines, components, np.uint64(n * inputs + first))


@_compiled
def transform_products(
    products: FloatArray,
    bias: FloatArray,
    slope: np.float32,
    dilation: int,
    places: NDArray[np.int64],
    maps: FloatArray,
    size: tuple[int, int],
) -> None:
    """The blocks of 4×4 pixels that products of components stand for, into feature maps.

    Args:
        products: flat (36, n, outputs).
        bias: (outputs,), added.
        slope: what negative values are multiplied by then: 0 for ReLU, 1 for nothing.
        dilation: pixels from one of a block to the next.
        places: (n, 2), row and column of a block's first pixel.
        maps: flat (outputs / `CHANNELS`, *size, `CHANNELS`), written to where blocks are.
        size: height and width.
    """
    height, width = size
    outputs = bias.size
    lines = np.empty(24 * CHANNELS, np.float32)
    block = np.empty(16 * CHANNELS, np.float32)
    pitch = np.uint64(dilation * CHANNELS), np.uint64(dilation * width * CHANNELS)
    reach = 3 * dilation
    component = np.uint64(places.shape[0] * outputs)
    for first in range(0, outputs, CHANNELS):
        group = first * height * width
        for n in range(places.shape[0]):
            top, left = places[n, 0], places[n, 1]
            _columns_backward(products, np.uint64(n * outputs + first), component, lines)
            if top + reach < height and left + reach < width:
                to = np.uint64(group + (top * width + left) * CHANNELS)
                _rows_backward(lines, bias, np.uint64(first), slope, maps, to, pitch)
                continue
            _rows_backward(lines, bias, np.uint64(first), slope, block, _0, (_STEP, _BLOCK_LINE))
            for i in range(4):
                for j in range(4):
                    y, x = top + i * dilation, left + j * dilation
                    if y < height and x < width:
                        start = (4 * i + j) * CHANNELS
                        end = group + (y * width + x) * CHANNELS
                        maps[end : end + CHANNELS] = block[start : start + CHANNELS]
