"""One convolution of the Triton runtime: its weights as the kernel reads them, and its launch.

Pictures are (H, W, channels), channels last in memory; a slice of a buffer's channels is a view.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ahdr_cli.inference import triton_kernel
from ahdr_cli.inference.triton_blocks import PIXELS, choose_blocks

__all__ = ["Activation", "Combination", "TritonConvolution"]

Activation: TypeAlias = Literal["none", "relu", "leaky", "sigmoid"]
Combination: TypeAlias = Literal["none", "add", "multiply"]


class TritonConvolution:
    """A 3×3 or 1×1 convolution, zero-padded to keep the size, with what follows it.

    Args:
        weight: (outputs, inputs, taps, taps), in the type and on the device of the pictures.
        bias: (outputs,); None for none.
        dilation: pixels from tap to tap.
        activation: of the result.
        active: so many outputs pass through it; all by default.
        combine: what is done with another picture: ``add`` it before the activation, or
            ``multiply`` by it after that.
        tall: see :func:`ahdr_cli.inference.triton_blocks.choose_blocks`.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None = None,
        *,
        dilation: int = 1,
        activation: Activation = "none",
        active: int | None = None,
        combine: Combination = "none",
        tall: bool = True,
    ) -> None:
        self.outputs, self.inputs, self.taps, _ = weight.shape
        self._dilation = dilation
        self._activation = activation
        self._active = self.outputs if active is None else active
        self._combine = combine
        self.blocks = choose_blocks(
            taps=self.taps, inputs=self.inputs, outputs=self.outputs, tall=tall
        )
        with torch.no_grad():
            self._weight = self._packed(weight)
            self._bias = None if bias is None else self._padded(bias.float())

    @classmethod
    def of(
        cls,
        layer: nn.Conv2d,
        *,
        activation: Activation = "none",
        combine: Combination = "none",
        tall: bool = True,
    ) -> TritonConvolution:
        """Of a layer as it is."""
        return cls(
            layer.weight,
            layer.bias,
            dilation=int(layer.dilation[0]),
            activation=activation,
            combine=combine,
            tall=tall,
        )

    def __call__(
        self,
        source: Tensor,
        target: Tensor,
        *,
        other: Tensor | None = None,
        copy: Tensor | None = None,
    ) -> None:
        """Queue it on the current stream of the current device.

        Args:
            source: (H, W, inputs), a view of a buffer's channels.
            target: (H, W, outputs), likewise; written. Not among the channels of the source,
                unless one program computes all outputs of a 1×1 convolution.
            other: like the target, what the result is combined with; may be the target.
            copy: like the target, where the result goes as well.
        """
        height, width, _ = target.shape
        assert source.shape == (height, width, self.inputs)
        assert target.shape[2] == self.outputs
        assert (other is None) == (self._combine == "none")
        for view in (source, target, other, copy):
            if view is not None:
                assert view.stride(2) == 1 and view.stride(0) == width * view.stride(1)
                # Within a patch the kernel computes places with 32 bits.
                assert self._dilation * width * view.stride(1) < 2**31
        blocks = self.blocks
        columns = PIXELS // self._dilation
        stacks = -(-height // (blocks.lines * self._dilation)) * -(-width // columns)
        triton_kernel.convolve[stacks, blocks.ranges(self.outputs)](
            source,
            self._weight,
            self._bias,
            target,
            other,
            copy,
            height,
            width,
            len(self._weight),
            source.stride(1),
            target.stride(1),
            0 if other is None else other.stride(1),
            0 if copy is None else copy.stride(1),
            inputs=self.inputs,
            outputs=self.outputs,
            active=self._active,
            taps=self.taps,
            dilation=self._dilation,
            combine=self._combine,
            activation=self._activation,
            lines=blocks.lines,
            columns=columns,
            step=blocks.step,
            first=blocks.first,
            second=blocks.second,
            num_warps=blocks.warps,
            num_stages=blocks.stages,
            maxnreg=blocks.registers,
        )

    def _packed(self, weight: Tensor) -> Tensor:
        """(outputs, inputs, down, across) → (steps, down, inputs of a step, outputs), padded."""
        step = self.blocks.step
        chunks = -(-self.inputs // step)
        padded = self._padded(weight.permute(3, 2, 1, 0))
        padded = F.pad(padded, (0, 0, 0, chunks * step - self.inputs))
        split = padded.reshape(self.taps, self.taps, chunks, step, -1)
        return split.permute(2, 0, 1, 3, 4).flatten(0, 1).contiguous()

    def _padded(self, values: Tensor) -> Tensor:
        """(…, outputs), with zeros for the channels of the last program that are none."""
        columns = self.blocks.ranges(self.outputs) * self.blocks.width
        return F.pad(values, (0, columns - self.outputs))
