"""Other forms of AHDRNet's dense block, for `gpu.py` to compare with the one in the package.

All compute the same from the same parameters. What a form costs on a GPU is memory traffic; in
values a pixel, for a block of 64 features and six layers of 32:

- ``concatenated``, the package's: every layer concatenates anew. 2112 of 4600 are copies.
- ``fused``: the same, but bias and ReLU are done by cuDNN within the convolution; 4000 are left.
- ``wide``: what arrives is convolved at once for all layers to come, which keep sums. 4300 are
  left, but sums instead of copies, and the convolutions read 224 values instead of 864, with up
  to 192 outputs instead of 32, which suits tensor cores. Sums are rounded up to five times more.

A buffer for all layers, each writing its slice, would save nothing in torch: with channels last
a slice is not contiguous, and torch copies such an input before it calls cuDNN
(``input->contiguous(memory_format)`` in ATen's ``cudnn/ConvShared.cpp``). The kernel of the Triton
runtime reads slices where they lie; its forms replace the whole body, not a block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ahdr_cli.inference.dense_steps import DenseForm
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.blocks import DenseBlock

__all__ = ["FORMS", "TRITON_FORMS", "FusedBlock", "TritonForm", "WideBlock", "set_form"]


class FusedBlock(nn.Module):
    """Concatenation, with bias and ReLU inside the convolution on CUDA."""

    def __init__(self, block: DenseBlock) -> None:
        super().__init__()
        self.layers, self.fold, self.dilation = block.layers, block.fold, block.dilation

    def forward(self, x: Tensor) -> Tensor:
        """(N, features, H, W) → the same shape."""
        collected = x
        for layer in self.layers:
            collected = torch.cat((collected, self._convolve(layer, collected)), dim=1)
        return self.fold(collected) + x

    def _convolve(self, layer: nn.Module, x: Tensor) -> Tensor:
        if not x.is_cuda:
            return torch.relu(layer(x))
        around = [self.dilation] * 2
        return torch.cudnn_convolution_relu(x, layer.weight, layer.bias, [1, 1], around, around, 1)


class WideBlock(nn.Module):
    """Every arriving part is convolved once, for all layers that will want it."""

    def __init__(self, block: DenseBlock) -> None:
        super().__init__()
        self.fold, self.dilation = block.fold, block.dilation
        features, growth = block.fold.out_channels, block.layers[0].out_channels
        self.growth = growth
        self.weights = []
        with torch.no_grad():
            self.bias = torch.cat([layer.bias for layer in block.layers])
            for i in range(len(block.layers)):
                start, end = (
                    (features + (i - 1) * growth, features + i * growth) if i else (0, features)
                )
                parts = [layer.weight[:, start:end] for layer in block.layers[i:]]
                self.weights.append(torch.cat(parts))

    def forward(self, x: Tensor) -> Tensor:
        """(N, features, H, W) → the same shape."""
        sums = self._convolve(x, 0, self.bias)
        parts = [x]
        for i in range(1, len(self.weights)):
            parts.append(torch.relu(sums[:, : self.growth]))
            sums = sums[:, self.growth :] + self._convolve(parts[-1], i)
        parts.append(torch.relu(sums))
        return self.fold(torch.cat(parts, dim=1)) + x

    def _convolve(self, part: Tensor, i: int, bias: Tensor | None = None) -> Tensor:
        weight = self.weights[i]
        return F.conv2d(part, weight, bias, padding=self.dilation, dilation=self.dilation)


FORMS: dict[str, type[nn.Module] | None] = {
    "concatenated": None,
    "fused": FusedBlock,
    "wide": WideBlock,
}


@dataclass(frozen=True, kw_only=True)
class TritonForm:
    """How the Triton runtime computes the body; see its modules."""

    dense: DenseForm = "paired"
    tall: bool = True

    def __call__(self, network: AHDRNet) -> Callable[[Tensor], Tensor]:
        """A network, placed and rounded, with its body by Triton's kernel."""
        from ahdr_cli.inference.triton_body import TritonBody

        body = TritonBody(network, form=self.dense, tall=self.tall)
        return lambda frames: network.finish(body(frames), frames)


TRITON_FORMS = {
    "triton": TritonForm(),
    "triton-short": TritonForm(tall=False),
    "triton-wide": TritonForm(dense="wide"),
    "triton-narrow": TritonForm(dense="narrow"),
}
"""The first is the runtime's. They need a GPU that it is made for, and 16 bits."""


def set_form(network: nn.Module, form: str) -> None:
    """Have a network's dense blocks, if it has any, computed in another form.

    Once, and when the network has its device, precision and layout.
    """
    make = FORMS[form]
    if make is None or not isinstance(network, AHDRNet):
        return
    for i, block in enumerate(network.blocks):
        if isinstance(block, DenseBlock):
            network.blocks[i] = make(block)
