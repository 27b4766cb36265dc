"""Lines of maps, brought to a core's second cache before they are needed.

Kernels read and write maps in lines of `CHANNELS` values at places far apart, which processors do
not foresee. To name the places early saves 5 % of the network's time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.base import BaseContext
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.winograd_kernels import Pitch, inlined

__all__ = ["prefetch_pixels"]

_HALF_PIXEL = np.uint64(16)
"""Floats in the 64 bytes that a processor fetches at once; a pixel of a group has twice as many."""


def _prefetch(
    _: BaseContext, array: types.Array, index: types.Integer
) -> tuple[Signature, Callable[..., ir.Value]]:
    """LLVM's instruction for an array's line that begins with some element, as numba wants it."""

    def generate(
        context: BaseContext,
        builder: ir.IRBuilder,
        signature: Signature,
        values: Sequence[ir.Value],
    ) -> ir.Value:
        make = context.make_array(signature.args[0])  # type: ignore[no-untyped-call]  # numba's own
        data = make(context, builder, values[0]).data
        byte, integer = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, integer, integer, integer])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        place = builder.bitcast(builder.gep(data, [values[1]]), byte)
        read, second_cache, data_cache = integer(0), integer(2), integer(1)
        builder.call(function, [place, read, second_cache, data_cache])
        return context.get_dummy_value()  # type: ignore[no-untyped-call]  # numba's own

    return types.void(array, index), generate


_fetch = cast(Callable[[FloatArray, np.uint64], None], intrinsic(_prefetch))


@inlined
def prefetch_pixels(
    maps: FloatArray, start: np.uint64, pitch: Pitch, rows: int, columns: int
) -> None:
    """Have some pixels of maps brought near, all of which must be within the maps."""
    step, row = pitch
    for _ in range(rows):
        pixel = start
        for _ in range(columns):
            _fetch(maps, pixel)
            _fetch(maps, pixel + _HALF_PIXEL)
            pixel += step
        start += row
