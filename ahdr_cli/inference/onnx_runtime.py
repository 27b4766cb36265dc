"""OnnxRuntime: the fast path on CPUs, by Microsoft's ONNX Runtime.

In tiles it takes 0.5 to 0.75 of the time of eager torch on the whole image, and two thirds of
its memory per pixel (``benchmarks/cpu_network.md``).
"""

from __future__ import annotations

import numpy as np
import onnxruntime
import torch

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.allocation import translated_allocation_errors
from ahdr_cli.inference.budget import live_channels
from ahdr_cli.inference.devices import Precision
from ahdr_cli.inference.onnx_graph import build_onnx_graph
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.receptive import receptive_radius

__all__ = ["OnnxRuntime"]

_BYTES_PER_CHANNEL = 5.2
"""Peak memory for each pixel and live channel: 3.0 to 3.3 kB a pixel, measured as peak RSS of
AHDRNet (640 live channels) with ONNX Runtime 1.32; ``benchmarks/cpu_network.md``."""


class OnnxRuntime:
    """A graph without torch, in float32 on the CPU, with as many threads as torch would take."""

    name = "onnxruntime"
    device = "cpu"
    precision: Precision = "fp32"

    def __init__(self, network: AHDRNet) -> None:
        self.halo = receptive_radius(network)
        self.bytes_per_pixel = _BYTES_PER_CHANNEL * live_channels(network.config)
        options = onnxruntime.SessionOptions()
        # torch heeds OMP_NUM_THREADS, ONNX Runtime by itself does not.
        options.intra_op_num_threads = torch.get_num_threads()
        # Patterns are remembered by shape: a second set of buffers once shapes repeat.
        options.enable_mem_pattern = False
        options.log_severity_level = 4  # failures are raised, so they need not be printed too
        weights = {name: value.numpy() for name, value in network.state_dict().items()}
        graph = build_onnx_graph(network.config, weights)
        with translated_allocation_errors():
            self._session = onnxruntime.InferenceSession(
                graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )

    def __call__(self, frames: FloatArray, ratios: FloatArray) -> FloatArray:
        """See :class:`ahdr_cli.inference.runtime.Runtime`."""
        with translated_allocation_errors():
            merged: FloatArray
            (merged,) = self._session.run(None, {"frames": frames, "ratios": ratios})
            return merged

    def release(self) -> None:
        """See :class:`ahdr_cli.inference.runtime.Runtime`.

        The arena shrinks at the end of a run, so a run of one pixel is made.
        """
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        pixel = {"frames": np.zeros((3, 1, 1, 3), np.float32), "ratios": np.ones(3, np.float32)}
        self._session.run(None, pixel, options)
