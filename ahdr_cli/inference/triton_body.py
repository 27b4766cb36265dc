"""TritonBody: AHDRNet up to its last features, in buffers whose slices kernels read and write.

Buffers are (H, W, channels) in 16 bits. Nothing is concatenated: the frames' features lie in one
buffer, as do what a dense block collects, and the outputs of all blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ahdr_cli.inference.dense_steps import DenseForm, dense_steps
from ahdr_cli.inference.triton_convolution import TritonConvolution
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.attention import SpatialAttention
from ahdr_cli.networks.blocks import DenseBlock
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.input import VARIANCE

__all__ = ["TritonBody"]

_ENCODED = 16
"""Channels that a frame is padded to by zeros: the fewest that tensor cores sum over."""


@dataclass(frozen=True, slots=True, eq=False)
class _Gate:
    """Attention for the outer frame whose features are at `outer`, compared in the order `both`."""

    compare: TritonConvolution
    gate: TritonConvolution
    outer: slice
    both: slice


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A step of a dense block."""

    convolution: TritonConvolution
    source: slice
    target: slice
    fresh: bool


class TritonBody:
    """Computes the same as the network's own body.

    Args:
        network: on its device, in 16 bits. Its parameters are copied.
        form: of the dense blocks.
        tall: see :func:`ahdr_cli.inference.triton_blocks.choose_blocks`.
    """

    def __init__(self, network: AHDRNet, *, form: DenseForm = "paired", tall: bool = True) -> None:
        self.config = config = network.config
        weight = network.encode.weight
        self._dtype, self._device = weight.dtype, weight.device
        self._encode = TritonConvolution(
            F.pad(weight, (0, 0, 0, 0, 0, _ENCODED - weight.shape[1])),
            network.encode.bias,
            activation="leaky",
            tall=tall,
        )
        self._gates = _gates(network, tall=tall) if config.attention else []
        self._merge = TritonConvolution.of(network.merge, tall=tall)
        blocks = [block for block in network.blocks if isinstance(block, DenseBlock)]
        assert len(blocks) == config.num_blocks
        self._blocks = [_layers(block, config, form, tall=tall) for block in blocks]
        self._folds = [
            TritonConvolution.of(block.fold, combine="add", tall=tall) for block in blocks
        ]
        self._fold = TritonConvolution.of(network.fold, tall=tall)
        self._spread = TritonConvolution.of(network.spread, combine="add", tall=tall)
        self._refine = TritonConvolution.of(network.refine, tall=tall)

    def __call__(self, frames: Tensor) -> Tensor:
        """The last features.

        Args:
            frames: (1, 3, 6 or 7, H, W), as :meth:`ahdr_cli.networks.ahdrnet.AHDRNet.forward`
                takes them.

        Returns:
            (1, features, H, W) in 16 bits, channels last.
        """
        assert len(frames) == 1
        features, (height, width) = self.config.features, frames.shape[-2:]

        def buffer(channels: int) -> Tensor:
            return _empty(height, width, channels, dtype=self._dtype, device=self._device)

        with _on(self._device):
            encoded = buffer(3 * features)
            for i, seen in enumerate(self._seen(frames[0])):
                self._encode(seen, encoded[..., i * features : (i + 1) * features])
            if self._gates:
                compared = buffer(2 * features)
                for side in self._gates:
                    outer = encoded[..., side.outer]
                    side.compare(encoded[..., side.both], compared)
                    # In place: what is written of a pixel and channel comes of what was read there.
                    side.gate(compared, outer, other=outer)
                del compared
            folded = self._dense(encoded, buffer)
            # The reference's features never passed a gate.
            spread, refined = buffer(features), buffer(features)
            self._spread(folded, spread, other=encoded[..., features : 2 * features])
            self._refine(spread, refined)
        return refined.permute(2, 0, 1)[None]

    def _seen(self, frames: Tensor) -> Tensor:
        """(3, 6 or 7, H, W) → (3, H, W, 16) in 16 bits, zero beyond what the network sees."""
        count, _, height, width = frames.shape
        seen = torch.zeros(count, height, width, _ENCODED, dtype=self._dtype, device=self._device)
        seen[..., :VARIANCE] = frames[:, :VARIANCE].permute(0, 2, 3, 1)
        return seen

    def _dense(self, encoded: Tensor, buffer: Callable[[int], Tensor]) -> Tensor:
        """(H, W, 3 · features) → (H, W, features): merge, blocks and their fold."""
        config, features = self.config, self.config.features
        collected = buffer(features + config.layers * config.growth)
        outputs = buffer(config.num_blocks * features)
        x = collected[..., :features]
        self._merge(encoded, x)
        for i, (layers, fold) in enumerate(zip(self._blocks, self._folds, strict=True)):
            for layer in layers:
                target = collected[..., layer.target]
                layer.convolution(
                    collected[..., layer.source], target, other=None if layer.fresh else target
                )
            output = outputs[..., i * features : (i + 1) * features]
            # In place: a program reads all channels of its pixels before it writes any.
            following = x if i + 1 < config.num_blocks else None
            fold(collected, output, other=x, copy=following)
        folded = buffer(features)
        self._fold(outputs, folded)
        return folded


def _gates(network: AHDRNet, *, tall: bool) -> list[_Gate]:
    features = network.config.features

    def side(attention: SpatialAttention, outer: slice, both: slice, order: list[int]) -> _Gate:
        weight = attention.compare.weight
        halves = weight[:, :features], weight[:, features:]
        compare = TritonConvolution(
            torch.cat([halves[i] for i in order], dim=1),
            attention.compare.bias,
            activation="leaky",
            tall=tall,
        )
        gate = TritonConvolution.of(
            attention.gate, activation="sigmoid", combine="multiply", tall=tall
        )
        return _Gate(compare, gate, outer, both)

    # The network compares the outer frame, then the reference; in memory the reference comes
    # before the long frame.
    short, long = slice(features), slice(2 * features, 3 * features)
    return [
        side(network.attention_short, short, slice(2 * features), [0, 1]),
        side(network.attention_long, long, slice(features, 3 * features), [1, 0]),
    ]


def _layers(block: DenseBlock, config: AHDRConfig, form: DenseForm, *, tall: bool) -> list[_Layer]:
    layers = []
    for step in dense_steps(config, form):
        source = slice(*step.inputs)
        chosen = [block.layers[i] for i in range(*step.layers)]
        weight = torch.cat([layer.get_parameter("weight")[:, source] for layer in chosen])
        bias = torch.cat([layer.get_parameter("bias") for layer in chosen]) if step.fresh else None
        convolution = TritonConvolution(
            weight,
            bias,
            dilation=block.dilation,
            activation="relu",
            active=config.growth,
            combine="none" if step.fresh else "add",
            tall=tall,
        )
        first, end = (config.features + i * config.growth for i in step.layers)
        layers.append(_Layer(convolution, source, slice(first, end), step.fresh))
    return layers


def _empty(*shape: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.empty(shape, dtype=dtype, device=device)


def _on(device: torch.device) -> AbstractContextManager[object]:
    """A context in which kernels go to a device, which Triton does not take from their tensors."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
