"""WinogradRuntime: the fast path of AHDRNet in float32 on CPUs.

Nearly all of its arithmetic are 3×3 convolutions, which Winograd's algorithm does in a quarter of
the multiplications; ONNX Runtime has it for no CPU. So the body is computed here, by kernels that
numba compiles and matrix products of numpy's BLAS, and what comes before and after it by ONNX
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
from ahdr_cli.inference.onnx_ahdrnet import build_decision, build_encoder
from ahdr_cli.inference.onnx_runtime import open_session
from ahdr_cli.inference.threads import cpu_threads
from ahdr_cli.inference.winograd import SCRATCH
from ahdr_cli.inference.winograd_body import WinogradBody, map_channels
from ahdr_cli.inference.winograd_support import CHANNELS
from ahdr_cli.inference.workers import Workers
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.receptive import receptive_radius

__all__ = ["WinogradRuntime"]

_ENDS = 1000.0
"""Bytes for each pixel of what ONNX Runtime computes, besides the maps."""

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
        self._channels = map_channels(config)
        self._features = config.features
        self.bytes_per_pixel = 4 * self._channels + _ENDS
        self._encoder = open_session(build_encoder(config, weights, group=CHANNELS), part=True)
        self._decision = open_session(build_decision(config, weights, group=CHANNELS), part=True)
        workers = Workers(cpu_threads(), scratch=SCRATCH)
        self._body = WinogradBody(config, weights, workers=workers)
        self._kept: list[FloatArray] = []

    def __call__(self, frames: FloatArray, conditions: FloatArray) -> FloatArray:
        """See :class:`ahdr_cli.inference.runtime.Runtime`."""
        given = {"frames": np.ascontiguousarray(frames), "conditions": conditions}
        with translated_allocation_errors(), self._maps(*frames.shape[1:3]) as maps:
            self._encode(given, maps)
            with _single_threaded_blas():
                features = self._body(maps)
            radiance: FloatArray
            (radiance,) = self._decision.run(None, {**given, "features": features})
            return radiance

    def release(self) -> None:
        """See :class:`ahdr_cli.inference.runtime.Runtime`."""
        self._kept.clear()

    def _encode(self, given: Mapping[str, FloatArray], maps: FloatArray) -> None:
        """Features of the three frames into the first maps, without a copy."""
        binding = self._encoder.io_binding()
        for name, value in given.items():
            binding.bind_cpu_input(name, value)
        groups = self._features // CHANNELS
        for i, name in enumerate(("short", "reference", "long")):
            of_frame = maps[i * groups : (i + 1) * groups]
            binding.bind_output(name, "cpu", 0, np.float32, of_frame.shape, of_frame.ctypes.data)
        self._encoder.run_with_iobinding(binding)

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
