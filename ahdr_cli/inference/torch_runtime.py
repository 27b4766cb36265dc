"""TorchRuntime: the network as it is written, on any device; the reference for the others.

On CUDA devices :class:`ahdr_cli.inference.pipelined_runtime.PipelinedRuntime` drives it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.allocation import translated_allocation_errors
from ahdr_cli.inference.budget import live_channels
from ahdr_cli.inference.devices import Precision, torch_dtype
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import stride
from ahdr_cli.networks.families import AnyNetwork
from ahdr_cli.networks.input import to_network_input
from ahdr_cli.networks.precision import cudnn_flags
from ahdr_cli.networks.receptive import halo

__all__ = ["TorchRuntime"]

_BYTES_PER_CHANNEL = 8.6
"""Peak memory in fp32 for each pixel and live channel: 4.2 to 5.8 kB a pixel, measured as peak
RSS of AHDRNet (676 live channels) with torch 2.13 on a CPU; ``benchmarks/cpu_network.md``."""


class TorchRuntime:
    """Plain eager execution.

    With 16 bits, the input and what follows the last features stay in float32. On a photograph,
    the shipped AHDRNet's agreement with fp32 is 81 dB PSNR-μ in bf16 and 100 dB in fp16
    (``benchmarks/gpu.md``); of one that paints all it returns, 68 dB (62 dB without this) and 86.
    """

    name = "torch"

    def __init__(
        self, network: AnyNetwork, *, device: str = "cpu", precision: Precision = "fp32"
    ) -> None:
        self.device = device
        self.precision = precision
        self.stride = stride(network.config)
        self.halo = halo(network.config)
        self._dtype = torch_dtype(precision)
        # The layout that tensor cores work in; on CPUs it measured slower.
        layout = torch.contiguous_format if device == "cpu" else torch.channels_last
        # The layers' outputs dominate, and shrink with their type.
        self.bytes_per_pixel = (
            _BYTES_PER_CHANNEL * live_channels(network.config) * self._dtype.itemsize / 4
        )
        with translated_allocation_errors():
            network.to(device, self._dtype)
            self._network = network.to(memory_format=layout).eval()  # type: ignore[call-overload] # documented, but not in the stubs
            if self._dtype != torch.float32:
                for layer in _last_layers(self._network):
                    layer.float()

    def __call__(self, frames: FloatArray, conditions: FloatArray) -> FloatArray:
        """See :class:`ahdr_cli.inference.runtime.Runtime`."""
        with translated_allocation_errors():
            given = (torch.from_numpy(values).to(self.device) for values in (frames, conditions))
            merged: FloatArray = self.merge(*given).cpu().numpy()
            return merged

    @torch.inference_mode()
    def merge(self, frames: Tensor, conditions: Tensor) -> Tensor:
        """The same as calling the runtime, for tensors on the device; errors are torch's."""
        with _convolutions(self.device, self.precision):
            ldr = frames.permute(0, 3, 1, 2)[None]
            seen = to_network_input(ldr, conditions[None, :3], conditions[3:])
            return self._forward(seen)[0].permute(1, 2, 0)

    def _forward(self, seen: Tensor) -> Tensor:
        """(1, 3, 7, H, W) → (1, 3, H, W)."""
        radiance: Tensor = self._network(seen)
        return radiance

    def release(self) -> None:
        """See :class:`ahdr_cli.inference.runtime.Runtime`."""
        if self.device.startswith("cuda"):
            with torch.cuda.device(self.device):
                torch.cuda.empty_cache()
        elif self.device == "mps":
            torch.mps.empty_cache()


def _last_layers(network: AnyNetwork) -> list[nn.Module]:
    """The convolutions that make radiance, which are always computed in float32."""
    layers: list[nn.Module] = [network.output]
    if isinstance(network, AHDRNet) and network.config.output == "blend":
        layers.append(network.trust)
    return layers


def _convolutions(device: str, precision: Precision) -> AbstractContextManager[object]:
    """How convolutions in float32 are computed: exactly if all are.

    Beside 16 bits only the last layers are in float32. Their features came from 16 bits, so that
    the ten bits of TF32 hold all of an fp16's, and only weights are rounded: that leaves them
    at 117 dB (``benchmarks/gpu.md``), and lets tensor cores compute them.
    """
    return cudnn_flags(tf32=precision != "fp32") if device.startswith("cuda") else nullcontext()
