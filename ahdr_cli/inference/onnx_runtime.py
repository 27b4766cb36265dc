"""OnnxRuntime: the fast path on CPUs, by Microsoft's ONNX Runtime.

In tiles it takes 0.5 to 0.75 of the time of eager torch on the whole image, and two thirds of
its memory per pixel (``benchmarks/cpu_network.md``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import ModelProto

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.allocation import translated_allocation_errors
from ahdr_cli.inference.budget import live_channels
from ahdr_cli.inference.devices import Precision
from ahdr_cli.inference.onnx_graph import build_onnx_graph
from ahdr_cli.inference.onnxruntime_library import onnxruntime
from ahdr_cli.inference.threads import cpu_threads
from ahdr_cli.networks.config import AnyConfig, stride
from ahdr_cli.networks.receptive import halo

__all__ = ["OnnxRuntime", "open_session"]

_BYTES_PER_CHANNEL = {"fp32": 4.92, "int8": 3.1}
"""Peak memory for each pixel and live channel: 3.0 to 3.3 kB a pixel in fp32, 1.6 to 2.0 kB in
int8, measured as peak RSS of AHDRNet (676 live channels) with ONNX Runtime 1.32;
``benchmarks/cpu_network.md``."""


class OnnxRuntime:
    """A graph without torch on the CPU, in float32 or, where ranges are known, in 8 bits.

    Args:
        config: of the network.
        weights: all parameters, by the names that the network's module gives them.
        bounds: of the activations, as :class:`ahdr_cli.checkpoints.Checkpoint` has them, for
            AHDRNet's body in 8 bits; None, all is in float32.
    """

    name = "onnxruntime"
    device = "cpu"

    def __init__(
        self,
        config: AnyConfig,
        weights: Mapping[str, FloatArray],
        *,
        bounds: Mapping[str, float] | None = None,
    ) -> None:
        self.precision: Precision = "fp32" if bounds is None else "int8"
        self.stride = stride(config)
        self.halo = halo(config)
        self.bytes_per_pixel = _BYTES_PER_CHANNEL[self.precision] * live_channels(config)
        self._session = open_session(build_onnx_graph(config, weights, bounds=bounds))

    def __call__(self, frames: FloatArray, conditions: FloatArray) -> FloatArray:
        """See :class:`ahdr_cli.inference.runtime.Runtime`."""
        height, width = frames.shape[1:3]
        rest = (-height % self.stride, -width % self.stride)
        with translated_allocation_errors():
            if any(rest):
                frames = np.pad(frames, ((0, 0), (0, rest[0]), (0, rest[1]), (0, 0)), mode="edge")
            merged: FloatArray
            (merged,) = self._session.run(None, {"frames": frames, "conditions": conditions})
            return merged[:height, :width]

    def release(self) -> None:
        """See :class:`ahdr_cli.inference.runtime.Runtime`.

        The arena shrinks at the end of a run, so the smallest possible run is made.
        """
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        side = self.stride
        frames = np.zeros((3, side, side, 3), np.float32)
        self._session.run(None, {"frames": frames, "conditions": np.ones(4, np.float32)}, options)


def open_session(graph: ModelProto, *, part: bool = False) -> onnxruntime.InferenceSession:
    """A graph made ready for tiles of any size on this processor.

    Args:
        graph: that is to be computed.
        part: whether threads of others compute parts of a tile with it and something else in
            between, so that it should neither have threads nor keep memory for the next time.
    """
    options = onnxruntime.SessionOptions()
    # ONNX Runtime by itself does not heed OMP_NUM_THREADS.
    options.intra_op_num_threads = 1 if part else cpu_threads()
    # Patterns are remembered by shape: a second set of buffers once shapes repeat.
    options.enable_mem_pattern = False
    if part:
        options.enable_cpu_mem_arena = False
    options.log_severity_level = 4  # failures are raised, so they need not be printed too
    with translated_allocation_errors():
        return onnxruntime.InferenceSession(
            graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
