"""Products of components → pixels of maps; see :mod:`ahdr_cli.inference.winograd_kernels`."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.winograd_kernels import (
    FAR,
    HALF,
    LINE,
    NEAR,
    STEP,
    TWO,
    ZERO,
    Extent,
    Pitch,
    Real,
    compiled,
    inlined,
    multiples,
)
from ahdr_cli.inference.winograd_prefetch import prefetch_pixels
from ahdr_cli.inference.winograd_support import CHANNELS

__all__ = ["transform_products"]

_1, _6 = np.uint64(1), np.uint64(6)
_BLOCK_LINE = np.uint64(4 * CHANNELS)
_S1, _S2, _S3, _S4, _S5 = multiples(CHANNELS)
_L1, _L2, _L3, _, _ = multiples(6 * CHANNELS)

_Four: TypeAlias = tuple[Real, Real, Real, Real]


@inlined
def _backward(m0: Real, m1: Real, m2: Real, m3: Real, m4: Real, m5: Real) -> _Four:
    """Six components → the four values of a line."""
    near, near_odd = m1 + m2, NEAR * (m1 - m2)
    far, far_odd = m3 + m4, FAR * (m3 - m4)
    return (
        m0 + near + far,
        near_odd + far_odd,
        HALF * near + TWO * far,
        HALF * near_odd + TWO * far_odd + m5,
    )


@inlined
def _columns_backward(
    products: FloatArray, start: np.uint64, component: np.uint64, lines: FloatArray
) -> None:
    """Each column of products, `component` floats apart, → the four rows of a block."""
    p1 = _6 * component
    p2 = p1 + p1
    p3 = p2 + p1
    p4 = p3 + p1
    p5 = p4 + p1
    to = ZERO
    for _ in range(6):
        for c in range(STEP):
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
        to += STEP


@inlined
def _rows_backward(
    lines: FloatArray,
    finish: FloatArray,
    first: np.uint64,
    out: FloatArray,
    to: np.uint64,
    pitch: Pitch,
) -> None:
    """Each row of a block of `out`, with bias and (leaky) ReLU."""
    step, row = pitch
    o2 = step + step
    o3 = o2 + step
    start = ZERO
    for _ in range(4):
        for c in range(STEP):
            i, o = start + c, to + c
            v0, v1, v2, v3 = _backward(
                lines[i],
                lines[i + _S1],
                lines[i + _S2],
                lines[i + _S3],
                lines[i + _S4],
                lines[i + _S5],
            )
            b, slope = finish[ZERO, first + c], finish[_1, first + c]
            v0, v1, v2, v3 = v0 + b, v1 + b, v2 + b, v3 + b
            out[o], out[o + step] = max(v0, v0 * slope), max(v1, v1 * slope)
            out[o + o2], out[o + o3] = max(v2, v2 * slope), max(v3, v3 * slope)
        start += LINE
        to += row


@inlined
def _rows_added(
    lines: FloatArray,
    finish: FloatArray,
    first: np.uint64,
    out: FloatArray,
    to: np.uint64,
    pitch: Pitch,
) -> None:
    """Each row of a block of `out`, added to what is there, with bias and (leaky) ReLU.

    A function of its own: with a branch in the other one, that takes twice as long.
    """
    step, row = pitch
    o2 = step + step
    o3 = o2 + step
    start = ZERO
    for _ in range(4):
        for c in range(STEP):
            i, o = start + c, to + c
            v0, v1, v2, v3 = _backward(
                lines[i],
                lines[i + _S1],
                lines[i + _S2],
                lines[i + _S3],
                lines[i + _S4],
                lines[i + _S5],
            )
            b, slope = finish[ZERO, first + c], finish[_1, first + c]
            v0, v1, v2, v3 = v0 + b, v1 + b, v2 + b, v3 + b
            v0, v1 = v0 + out[o], v1 + out[o + step]
            v2, v3 = v2 + out[o + o2], v3 + out[o + o3]
            out[o], out[o + step] = max(v0, v0 * slope), max(v1, v1 * slope)
            out[o + o2], out[o + o3] = max(v2, v2 * slope), max(v3, v3 * slope)
        start += LINE
        to += row


@inlined
def _read_pixels(
    maps: FloatArray, group: int, extent: Extent, place: tuple[int, int, int], block: FloatArray
) -> None:
    """The pixels of a block that lie within the extent, from the maps."""
    _, width, _, _, end_row, end_column = extent
    top, left, dilation = place
    for i in range(4):
        for j in range(4):
            y, x = top + i * dilation, left + j * dilation
            if y < end_row and x < end_column:
                start, at = (4 * i + j) * CHANNELS, group + (y * width + x) * CHANNELS
                block[start : start + CHANNELS] = maps[at : at + CHANNELS]


@inlined
def _write_pixels(
    maps: FloatArray, group: int, extent: Extent, place: tuple[int, int, int], block: FloatArray
) -> None:
    """The pixels of a block that lie within the extent, into the maps."""
    _, width, _, _, end_row, end_column = extent
    top, left, dilation = place
    for i in range(4):
        for j in range(4):
            y, x = top + i * dilation, left + j * dilation
            if y < end_row and x < end_column:
                start, at = (4 * i + j) * CHANNELS, group + (y * width + x) * CHANNELS
                maps[at : at + CHANNELS] = block[start : start + CHANNELS]


@compiled
def transform_products(
    products: FloatArray,
    finish: FloatArray,
    add: bool,
    dilation: int,
    places: NDArray[np.int64],
    maps: FloatArray,
    extent: Extent,
) -> None:
    """The blocks of 4×4 pixels that products of components stand for, into feature maps.

    Args:
        products: flat (36, n, outputs).
        finish: (2, outputs), a bias, and what negative values are multiplied by then: 0 for ReLU,
            1 for nothing.
        add: whether what `maps` hold is added before that.
        dilation: pixels from one of a block to the next.
        places: (n, 2), row and column of a block's first pixel.
        maps: flat (outputs / `CHANNELS`, h, w, `CHANNELS`), written to where blocks are.
        extent: where they may be.
    """
    height, width, _, _, end_row, end_column = extent
    outputs = finish.shape[1]
    lines = np.empty(24 * CHANNELS, np.float32)
    block = np.empty(16 * CHANNELS, np.float32)
    pitch = np.uint64(dilation * CHANNELS), np.uint64(dilation * width * CHANNELS)
    reach = 3 * dilation
    component = np.uint64(places.shape[0] * outputs)
    for first in range(0, outputs, CHANNELS):
        group = first * height * width
        which = np.uint64(first)
        for n in range(places.shape[0]):
            following = min(n + 1, places.shape[0] - 1)
            top, left = places[following, 0], places[following, 1]
            if top + reach < end_row and left + reach < end_column:
                start = group + (top * width + left) * CHANNELS
                prefetch_pixels(maps, np.uint64(start), pitch, 4, 4)
            top, left = places[n, 0], places[n, 1]
            _columns_backward(products, np.uint64(n * outputs + first), component, lines)
            if top + reach < end_row and left + reach < end_column:
                to = np.uint64(group + (top * width + left) * CHANNELS)
                if add:
                    _rows_added(lines, finish, which, maps, to, pitch)
                else:
                    _rows_backward(lines, finish, which, maps, to, pitch)
                continue
            block[:] = 0.0
            if add:
                _read_pixels(maps, group, extent, (top, left, dilation), block)
            _rows_added(lines, finish, which, block, ZERO, (STEP, _BLOCK_LINE))
            _write_pixels(maps, group, extent, (top, left, dilation), block)
