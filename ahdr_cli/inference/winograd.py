"""3×3 convolutions on feature maps in groups of channels, by Winograd's F(4×4, 3×3).

Feature maps are float32 arrays (groups, h, w, `CHANNELS`), C-contiguous. Work is cut into blocks
that fit a core's second cache. The matrix products are numpy's, and so BLAS's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.tiling import Box
from ahdr_cli.inference.winograd_kernels import COMPONENT, INPUTS, POINTS, patches_of
from ahdr_cli.inference.winograd_patches import transform_patches
from ahdr_cli.inference.winograd_products import transform_products
from ahdr_cli.inference.winograd_support import CHANNELS
from ahdr_cli.inference.workers import Workers

__all__ = ["SCRATCH", "WinogradConvolution", "transform_weights"]

SCRATCH = 2 * 36 * COMPONENT
"""Floats that a thread needs: components of a block of patches, and what comes of them."""

_COLUMNS = 64
"""Most outputs of one matrix product: of 128, OpenBLAS makes two thirds as many a second (0.3.31,
AVX-512; products so small that it does not pack their operands)."""


class _Pass(NamedTuple):
    """A share of a convolution: what becomes of some of the inputs.

    Attributes:
        groups: of the source.
        inputs: channels of them.
        parts: transformed weights, and bias and slope, (2, outputs), of some outputs each.
        add: whether to what the target holds.
    """

    groups: slice
    inputs: int
    parts: list[tuple[FloatArray, FloatArray]]
    add: bool


class _Where(NamedTuple):
    """See :class:`WinogradConvolution`, call."""

    known: Box
    wanted: Box
    lower: int


class WinogradConvolution:
    """A 3×3 convolution, zero-padded to keep the size, with bias and (leaky) ReLU.

    Args:
        weight: (outputs, inputs, 3, 3), outputs a multiple of `CHANNELS`.
        bias: (outputs,).
        dilation: of the taps.
        slopes: what negative results are multiplied by, 0 for ReLU, 1 for nothing; one for all
            outputs, or one for each group of them.
        add: whether results are added to what the target holds, before that.

    Attributes:
        dilation: of the taps, and so how far it sees.
    """

    def __init__(
        self,
        weight: FloatArray,
        bias: FloatArray,
        *,
        dilation: int = 1,
        slopes: float | FloatArray = 1.0,
        add: bool = False,
    ) -> None:
        outputs, inputs = weight.shape[:2]
        assert outputs % CHANNELS == 0
        self.dilation = dilation
        self._passes = []
        for start in range(0, inputs, INPUTS):
            some = weight[:, start : start + INPUTS]
            last = start + INPUTS >= inputs
            finish = np.zeros((2, outputs), np.float32)
            finish[0] = bias if last else 0.0
            finish[1] = np.repeat(slopes, outputs // np.size(slopes)) if last else 1.0
            parts = [
                (transform_weights(some[i : i + _COLUMNS]), finish[:, i : i + _COLUMNS].copy())
                for i in range(0, outputs, _COLUMNS)
            ]
            groups = slice(start // CHANNELS, (start + INPUTS) // CHANNELS)
            self._passes.append(_Pass(groups, some.shape[1], parts, add or start > 0))

    def __call__(
        self,
        source: FloatArray,
        target: FloatArray,
        *,
        known: Box,
        wanted: Box,
        workers: Workers,
        lower: int = 0,
    ) -> None:
        """Convolve maps into others, which do not overlap them.

        Args:
            source: (groups, h, w, `CHANNELS`); channels beyond the inputs do not matter.
            target: (outputs / `CHANNELS`, another h, w, `CHANNELS`).
            known: part of the source; what lies outside counts as zero.
            wanted: part of the target; the rest is left as it is.
            workers: that share out the work.
            lower: how many rows lower than in the target the same row is in the source.
        """
        where = _Where(known, wanted, lower)
        for share in self._passes:
            self._run(share, source[share.groups], target, where, workers)

    def _run(
        self,
        share: _Pass,
        source: FloatArray,
        target: FloatArray,
        where: _Where,
        workers: Workers,
    ) -> None:
        places = _places(where.wanted, self.dilation)
        sources = places + np.array((where.lower, 0))
        read, written = (*source.shape[1:3], *where.known), (*target.shape[1:3], *where.wanted)
        maps, channels = source.reshape(-1), len(source) * CHANNELS
        at_once = patches_of(channels)

        def work(block: int) -> None:
            which = slice(block * at_once, (block + 1) * at_once)
            some = places[which]
            components, products = workers.scratch.reshape(2, -1)
            transform_patches(maps, read, channels, self.dilation, sources[which], components)
            patches = components.reshape(36, COMPONENT)[:, : len(some) * channels]
            patches = patches.reshape(36, len(some), channels)[:, :, : share.inputs]  # a view
            group = 0
            for weight, finish in share.parts:
                columns = finish.shape[1]
                sums = products[: 36 * len(some) * columns].reshape(36, len(some), columns)
                np.matmul(patches, weight, out=sums)
                end = group + columns // CHANNELS
                out = target[group:end].reshape(-1)
                transform_products(products, finish, share.add, self.dilation, some, out, written)
                group = end

        workers.run(work, -(-len(places) // at_once))


def transform_weights(weight: FloatArray) -> FloatArray:
    """(outputs, inputs, 3, 3) → (36, inputs, outputs), the components of the weights.

    Lavin & Gray 2016, equation 8, with the transform of the points that the kernels have
    (Toom and Cook's: a polynomial's values, over what the points differ by).
    """
    points = np.array(POINTS)
    apart = points[:, None] - points[None] + np.eye(len(points))
    transform = np.zeros((6, 3))
    transform[:5] = np.vander(points, 3, increasing=True) / apart.prod(axis=1)[:, None]
    transform[5, 2] = 1.0  # at infinity
    components = np.einsum("ya,oiab,xb->yxio", transform, weight.astype(np.float64), transform)
    outputs, inputs = weight.shape[:2]
    return np.ascontiguousarray(components.reshape(36, inputs, outputs), np.float32)


def _places(box: Box, dilation: int) -> NDArray[np.int64]:
    """(n, 2) first pixels of the 4×4 blocks that cover a box, those of a row together."""
    rows = _starts(box.top, box.bottom, dilation)
    columns = _starts(box.left, box.right, dilation)
    places = np.empty((len(rows), len(columns), 2), np.int64)
    places[..., 0], places[..., 1] = rows[:, None], columns
    return places.reshape(-1, 2)


def _starts(start: int, end: int, dilation: int) -> NDArray[np.int64]:
    """Where lines of four pixels, `dilation` apart, begin."""
    starts = np.arange(start, end, 4 * dilation)[:, None] + np.arange(dilation)
    flat = starts.reshape(-1)
    return flat[flat < end]
