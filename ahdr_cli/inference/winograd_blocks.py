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
    """Layers in twos.

    Of two layers, the second sees what the first sees and what the first adds. So what both see is
    convolved for both at once, and what the first adds for the second alone: nearly half of the
    transforms of patches are saved.
    """
    make = partial(WinogradConvolution, dilation=2 if config.block == "drdb" else 1)
    groups, added = config.features // CHANNELS, config.growth // CHANNELS
    steps = []
    for i in range(0, config.layers, 2):
        layers = range(i, min(i + 2, config.layers))
        kernels = [weights[f"{name}.layers.{j}.weight"] for j in layers]
        biases = [weights[f"{name}.layers.{j}.bias"] for j in layers]
        seen = groups + i * added
        middle, end = seen + added, seen + len(layers) * added
        shared = np.concatenate([kernel[:, : seen * CHANNELS] for kernel in kernels])
        slopes = np.repeat([0.0, 1.0], added)[: len(layers) * added]
        both = make(shared, np.concatenate(biases), slopes=slopes)
        steps.append(Step(both, slice(0, seen), slice(seen, end)))
        if len(layers) == 2:
            rest = kernels[1][:, seen * CHANNELS :]
            second = make(rest, np.zeros_like(biases[1]), slopes=0.0, add=True)
            steps.append(Step(second, slice(seen, middle), slice(middle, end)))
    return steps
