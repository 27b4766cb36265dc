"""3×3 convolutions on feature maps in groups of channels, by Winograd's F(4×4, 3×3).

Feature maps are float32 arrays (groups, h, w, `CHANNELS`), C-contiguous. Work is cut into blocks
that fit a core's second cache. The matrix products are numpy's, and so BLAS's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.tiling import Box
from ahdr_cli.inference.winograd_kernels import COMPONENT, PATCHES, POINTS
from ahdr_cli.inference.winograd_patches import transform_patches
from ahdr_cli.inference.winograd_products import transform_products
from ahdr_cli.inference.winograd_support import CHANNELS, WIDEST
from ahdr_cli.inference.workers import Workers

__all__ = ["SCRATCH", "WinogradConvolution", "transform_weights"]

SCRATCH = 2 * 36 * COMPONENT
"""Floats that a thread needs: components of a block of patches, and what comes of them."""

_COLUMNS = 64
"""Most outputs of one matrix product: of 128, OpenBLAS makes two thirds as many a second (0.3.31,
AVX-512; products so small that it does not pack their operands)."""


class WinogradConvolution:
    """A 3×3 convolution, zero-padded to keep the size, with bias and (leaky) ReLU.

    Args:
        weight: (outputs, inputs, 3, 3), outputs a multiple of `CHANNELS`, inputs at most `WIDEST`.
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
        outputs, self._inputs = weight.shape[:2]
        assert outputs % CHANNELS == 0
        assert self._inputs <= WIDEST
        # Bias and slope of every output.
        finish = np.empty((2, outputs), np.float32)
        finish[0] = bias
        finish[1] = slopes if np.ndim(slopes) == 0 else np.repeat(slopes, CHANNELS)
        self._parts = [
            (transform_weights(weight[i : i + _COLUMNS]), finish[:, i : i + _COLUMNS].copy())
            for i in range(0, outputs, _COLUMNS)
        ]
        self.dilation = dilation
        self._add = add

    def __call__(
        self, source: FloatArray, target: FloatArray, *, known: Box, wanted: Box, workers: Workers
    ) -> None:
        """Convolve maps into others, which do not overlap them.

        Args:
            source: (groups, h, w, `CHANNELS`); channels beyond the inputs do not matter.
            target: (outputs / `CHANNELS`, h, w, `CHANNELS`).
            known: part of the source; what lies outside counts as zero.
            wanted: part of the target; the rest is left as it is.
            workers: that share out the work.
        """
        height, width = source.shape[1:3]
        places = _places(wanted, self.dilation)
        maps, channels = source.reshape(-1), len(source) * CHANNELS
        read, written = (height, width, *known), (height, width, *wanted)

        def work(block: int) -> None:
            some = places[block * PATCHES : (block + 1) * PATCHES]
            components, products = workers.scratch.reshape(2, -1)
            transform_patches(maps, read, channels, self.dilation, some, components)
            patches = components.reshape(36, COMPONENT)[:, : len(some) * channels]
            patches = patches.reshape(36, len(some), channels)[:, :, : self._inputs]  # a view
            group = 0
            for weight, finish in self._parts:
                columns = finish.shape[1]
                sums = products[: 36 * len(some) * columns].reshape(36, len(some), columns)
                np.matmul(patches, weight, out=sums)
                end = group + columns // CHANNELS
                out = target[group:end].reshape(-1)
                transform_products(products, finish, self._add, self.dilation, some, out, written)
                group = end

        workers.run(work, -(-len(places) // PATCHES))


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
