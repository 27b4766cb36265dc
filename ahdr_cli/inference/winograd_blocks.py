"""The 3×3 convolutions of AHDRNet's blocks, as steps on the maps that a block collects."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.winograd import WinogradConvolution
from ahdr_cli.inference.winograd_support import CHANNELS
from ahdr_cli.networks.config import AHDRConfig

__all__ = ["Step", "block_steps"]


class Step(NamedTuple):
    """A convolution, from and to which groups of the maps: first the input's, then the added."""

    convolution: WinogradConvolution
    source: slice
    target: slice


def block_steps(config: AHDRConfig, weights: Mapping[str, FloatArray], name: str) -> list[Step]:
    """The steps of a block, in their order.

    Args:
        config: of the network.
        weights: parameters of the network, by name.
        name: of the block.
    """
    return (
        _residual(config, weights, name) if config.block == "rb" else _dense(config, weights, name)
    )


def _residual(config: AHDRConfig, weights: Mapping[str, FloatArray], name: str) -> list[Step]:
    groups = config.features // CHANNELS
    return [
        Step(
            WinogradConvolution(
                weights[f"{name}.{layer}.weight"], weights[f"{name}.{layer}.bias"], slopes=slope
            ),
            slice(i * groups, (i + 1) * groups),
            slice((i + 1) * groups, (i + 2) * groups),
        )
        for i, (layer, slope) in enumerate((("first", 0.0), ("second", 1.0)))
    ]


def _dense(config: AHDRConfig, weights: Mapping[str, FloatArray], name: str) -> list[Step]:
    """Layers in twos: what two layers add is convolved for all layers after them at once.

    A layer is the sum of convolutions of what was there before it, so that every channel is
    transformed once, and not again for each layer that sees it. Only what the first of two layers
    adds is convolved for the second one alone.
    """
    make = partial(WinogradConvolution, dilation=2 if config.block == "drdb" else 1)
    groups, added, count = config.features // CHANNELS, config.growth // CHANNELS, config.layers
    kernels = [weights[f"{name}.layers.{i}.weight"] for i in range(count)]
    biases = [weights[f"{name}.layers.{i}.bias"] for i in range(count)]

    def place(layer: int) -> int:
        """The first group of what a layer adds."""
        return groups + layer * added

    steps = []
    for i in range(0, count, 2):
        # Of the two before, or of the block's input.
        source = slice(place(i - 2) if i else 0, place(i))
        seen = slice(source.start * CHANNELS, source.stop * CHANNELS)
        shared = np.concatenate([kernel[:, seen] for kernel in kernels[i:]])
        slopes = np.repeat([0.0] + [1.0] * (count - i - 1), added)  # the sum of the first is whole
        begun = np.concatenate(biases) if i == 0 else np.zeros(len(shared), np.float32)
        rest = make(shared, begun, slopes=slopes, add=i > 0)
        steps.append(Step(rest, source, slice(place(i), place(count))))
        if i + 1 < count:
            source, target = slice(place(i), place(i + 1)), slice(place(i + 1), place(i + 2))
            kernel = kernels[i + 1][:, source.start * CHANNELS : source.stop * CHANNELS]
            second = make(kernel, np.zeros_like(biases[i + 1]), slopes=0.0, add=True)
            steps.append(Step(second, source, target))
    return steps
