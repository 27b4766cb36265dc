"""TritonRuntime: AHDRNet on a GPU, up to the last features by a kernel of our own.

Not measured: it was written without a GPU, computed with Triton's interpreter, and compiled for
the H100. ``benchmarks/gpu.md`` says what is expected of it, and why.
"""

from __future__ import annotations

from torch import Tensor

from ahdr_cli.inference.allocation import translated_allocation_errors
from ahdr_cli.inference.dense_steps import DenseForm
from ahdr_cli.inference.devices import Precision
from ahdr_cli.inference.torch_runtime import TorchRuntime
from ahdr_cli.inference.triton_body import TritonBody
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.families import AnyNetwork

__all__ = ["TritonRuntime"]


class TritonRuntime(TorchRuntime):
    """Computes like torch's, from the last features on the very same way.

    Between the convolutions values are rounded less often: bias, activation and what is combined
    with them come before the rounding to 16 bits. Sums of the dense layers are rounded up to thrice
    on their way instead.

    Args:
        network: for which :func:`ahdr_cli.inference.triton_support.has_triton_body` holds.
        device: as :func:`ahdr_cli.inference.devices.select_device` returns it.
        precision: as :func:`ahdr_cli.inference.devices.select_precision` returns it.
        form: of the dense blocks.
        tall: see :func:`ahdr_cli.inference.triton_blocks.choose_blocks`.
    """

    name = "triton"

    def __init__(
        self,
        network: AnyNetwork,
        *,
        device: str,
        precision: Precision,
        form: DenseForm = "paired",
        tall: bool = True,
    ) -> None:
        super().__init__(network, device=device, precision=precision)
        assert isinstance(self._network, AHDRNet)
        with translated_allocation_errors():
            self._body = TritonBody(self._network, form=form, tall=tall)

    def _forward(self, seen: Tensor) -> Tensor:
        assert isinstance(self._network, AHDRNet)
        return self._network.finish(self._body(seen), seen)
