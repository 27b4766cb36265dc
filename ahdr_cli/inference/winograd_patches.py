"""Patches of maps → components; see :mod:`ahdr_cli.inference.winograd_kernels`."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.winograd_kernels import (
    COMPONENT,
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

__all__ = ["transform_patches"]

_SUM = HALF + TWO
_NEXT = np.uint64(COMPONENT)
_S1, _S2, _S3, _S4, _S5 = multiples(CHANNELS)
_L1, _L2, _L3, _L4, _L5 = multiples(6 * CHANNELS)
_C1, _C2, _C3, _C4, _C5 = multiples(6 * COMPONENT)

_Six: TypeAlias = tuple[Real, Real, Real, Real, Real, Real]


@inlined
def _forward(d0: Real, d1: Real, d2: Real, d3: Real, d4: Real, d5: Real) -> _Six:
    """Six values of a line → its components."""
    near, near_odd = d4 - TWO * d2, NEAR * (d3 - TWO * d1)
    far, far_odd = d4 - HALF * d2, FAR * (d3 - HALF * d1)
    return (
        d0 - _SUM * d2 + d4,
        near + near_odd,
        near - near_odd,
        far + far_odd,
        far - far_odd,
        d1 - _SUM * d3 + d5,
    )


@inlined
def _rows_forward(x: FloatArray, start: np.uint64, pitch: Pitch, lines: FloatArray) -> None:
    """Each row of a patch of `x`."""
    step, row = pitch
    x2 = step + step
    x3 = x2 + step
    x4 = x3 + step
    x5 = x4 + step
    to = ZERO
    for _ in range(6):
        for c in range(STEP):
            i, o = start + c, to + c
            v = _forward(x[i], x[i + step], x[i + x2], x[i + x3], x[i + x4], x[i + x5])
            lines[o], lines[o + _S1], lines[o + _S2] = v[0], v[1], v[2]
            lines[o + _S3], lines[o + _S4], lines[o + _S5] = v[3], v[4], v[5]
        start += row
        to += LINE


@inlined
def _columns_forward(lines: FloatArray, out: FloatArray, to: np.uint64) -> None:
    """Each column of a patch whose rows are done, into the 36 components of `out`."""
    start = ZERO
    for _ in range(6):
        for c in range(STEP):
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
        start += STEP
        to += _NEXT


@compiled
def transform_patches(
    maps: FloatArray,
    extent: Extent,
    inputs: int,
    dilation: int,
    places: NDArray[np.int64],
    components: FloatArray,
) -> None:
    """The components of patches of feature maps, zero outside of what is known.

    Args:
        maps: flat (inputs / `CHANNELS`, h, w, `CHANNELS`).
        extent: what is known.
        inputs: channels.
        dilation: pixels from one of a patch to the next.
        places: (n, 2), row and column of the first pixel that a patch is to yield.
        components: flat (36, `COMPONENT`), the beginning of each is filled with (n, inputs).
    """
    height, width, first_row, first_column, end_row, end_column = extent
    lines = np.empty(36 * CHANNELS, np.float32)
    patch = np.empty(36 * CHANNELS, np.float32)
    pitch = np.uint64(dilation * CHANNELS), np.uint64(dilation * width * CHANNELS)
    reach = 5 * dilation
    for n in range(places.shape[0]):
        top, left = places[n, 0] - dilation, places[n, 1] - dilation
        # Of the next patch, what this one does not share if it lies beside it.
        following = min(n + 1, places.shape[0] - 1)
        below, right = places[following, 0] - dilation, places[following, 1] + dilation
        ahead = below >= first_row and below + reach < end_row and right + 3 * dilation < end_column
        for first in range(0, inputs, CHANNELS):
            group = first * height * width
            if ahead:
                start = group + (below * width + right) * CHANNELS
                prefetch_pixels(maps, np.uint64(start), pitch, 6, 4)
            if (
                top >= first_row
                and left >= first_column
                and top + reach < end_row
                and left + reach < end_column
            ):
                start = group + (top * width + left) * CHANNELS
                _rows_forward(maps, np.uint64(start), pitch, lines)
            else:
                for i in range(6):
                    for j in range(6):
                        y, x = top + i * dilation, left + j * dilation
                        to = (6 * i + j) * CHANNELS
                        if first_row <= y < end_row and first_column <= x < end_column:
                            start = group + (y * width + x) * CHANNELS
                            patch[to : to + CHANNELS] = maps[start : start + CHANNELS]
                        else:
                            patch[to : to + CHANNELS] = 0.0
                _rows_forward(patch, ZERO, (STEP, LINE), lines)
            _columns_forward(lines, components, np.uint64(n * inputs + first))
