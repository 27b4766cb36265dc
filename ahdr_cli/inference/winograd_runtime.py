"""WinogradRuntime: the fast path of AHDRNet in float32 on CPUs.

Nearly all of its arithmetic are 3×3 convolutions, which Winograd's algorithm does in a quarter of
the multiplications; ONNX Runtime does not have it for CPUs. So they are computed here, by kernels
that numba compiles and matrix products of numpy's BLAS, and what follows the last features by ONNX
Runtime. Times and accuracy: ``benchmarks/cpu_network.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.allocation import translated_allocation_errors
from ahdr_cli.inference.blas import SingleThreadedBlas
from ahdr_cli.inference.devices import Precision
from ahdr_cli.inference.onnx_ahdrnet import build_decision
from ahdr_cli.inference.onnx_runtime import open_session
from ahdr_cli.inference.threads import cpu_threads
from ahdr_cli.inference.tiling import Box, plan_tiles
from ahdr_cli.inference.winograd import SCRATCH
from ahdr_cli.inference.winograd_body import WinogradBody, map_channels
from ahdr_cli.inference.winograd_support import CHANNELS
from ahdr_cli.inference.workers import Workers
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.receptive import decision_radius, receptive_radius

__all__ = ["WinogradRuntime"]

_PIECE = (96, 192)
"""Least and largest side in pixels of what a thread decides at once. So few pixels take ONNX
Runtime 0.9 µs each, and those of a whole tile, which no cache holds, 1.5 µs."""

_DECISION = 1200
"""Bytes that this takes for each pixel of a piece."""

_PIECES_BYTES = 2e8
"""Memory for the pieces of all threads, unless these are many."""

_TILE = 600_000
"""Pixels of a large tile, over which the pieces' memory is shared out when tiles are planned."""

_single_threaded_blas = SingleThreadedBlas()


class WinogradRuntime:
    """AHDRNet in float32.

    Args:
        config: for which :func:`ahdr_cli.inference.winograd_support.has_winograd_body` holds.
        weights: all parameters, by the names that the network's module gives them.
    """

    name = "winograd"
    device = "cpu"
    precision: Precision = "fp32"
    stride = 1

    def __init__(self, config: AHDRConfig, weights: Mapping[str, FloatArray]) -> None:
        self.halo = receptive_radius(config)
        self._radius = decision_radius(config)
        self._channels = map_channels(config)
        threads = cpu_threads()
        side = int((_PIECES_BYTES / threads / _DECISION) ** 0.5)
        beyond = 2 * self._radius.frames
        self._piece = min(max(side - beyond, _PIECE[0]), _PIECE[1])
        pieces = threads * (self._piece + beyond) ** 2 * _DECISION
        self.bytes_per_pixel = 4 * self._channels + pieces / _TILE
        self._decision = open_session(build_decision(config, weights, group=CHANNELS), part=True)
        self._workers = Workers(threads, scratch=SCRATCH)
        self._body = WinogradBody(config, weights, workers=self._workers)
        self._kept: list[FloatArray] = []

    def __call__(self, frames: FloatArray, conditions: FloatArray) -> FloatArray:
        """See :class:`ahdr_cli.inference.runtime.Runtime`."""
        return self.merge_part(frames, conditions, Box(0, 0, *frames.shape[1:3]))

    def merge_part(self, frames: FloatArray, conditions: FloatArray, part: Box) -> FloatArray:
        """See :class:`ahdr_cli.inference.runtime.PartialRuntime`."""
        size = frames.shape[1:3]
        pieces = plan_tiles(part.size, halo=0, inner=self._piece)
        radiance = np.empty((*part.size, 3), np.float32)
        with translated_allocation_errors(), self._maps(*size) as maps:
            with _single_threaded_blas():
                wanted = part.grown(self._radius.features, size=size)
                features = self._body(frames, conditions[:3], maps, part=wanted)

            def decide(i: int) -> None:
                inner = pieces[i].inner
                piece = inner.moved(part.top, part.left)
                radiance[inner.slices] = self._decide(frames, conditions, features, part=piece)

            self._workers.run(decide, len(pieces))
        return radiance

    def _decide(
        self, frames: FloatArray, conditions: FloatArray, features: FloatArray, *, part: Box
    ) -> FloatArray:
        """What becomes of features; a part of the tile."""
        size = frames.shape[1:3]
        of_features = part.grown(self._radius.features, size=size)
        of_frames = part.grown(self._radius.frames, size=size)
        # Where frames matter and features do not there are none.
        seen = np.zeros((len(features), *of_frames.size, CHANNELS), np.float32)
        seen[:, *of_features.within(of_frames).slices] = features[:, *of_features.slices]
        given = {
            "frames": np.ascontiguousarray(frames[:, *of_frames.slices]),
            "conditions": conditions,
            "features": seen,
        }
        radiance: FloatArray
        (radiance,) = self._decision.run(None, given)
        return radiance[part.within(of_frames).slices]

    def release(self) -> None:
        """See :class:`ahdr_cli.inference.runtime.Runtime`."""
        self._kept.clear()

    @contextmanager
    def _maps(self, height: int, width: int) -> Iterator[FloatArray]:
        """Maps for a tile, in memory that is kept for the next one.

        Memory that was given back would have to be cleared by the system for every tile, which
        takes a tenth of a tile's time.
        """
        size = self._channels * height * width
        try:
            memory = self._kept.pop()
        except IndexError:
            memory = np.empty(0, np.float32)
        if memory.size < size:
            del memory
            memory = np.empty(size, np.float32)
        try:
            yield memory[:size].reshape(-1, height, width, CHANNELS)
        finally:
            self._kept.append(memory)
