"""How far a network looks: its receptive radius."""

from __future__ import annotations

from typing import NamedTuple

from ahdr_cli.networks.config import (
    FAST_STRIDE,
    AHDRConfig,
    AnyConfig,
    FastConfig,
    chooses,
    stride,
)
from ahdr_cli.networks.constants import EXPLICIT_RADIUS, SIDE
from ahdr_cli.networks.convolutions import convolutions

__all__ = ["DecisionRadius", "decision_radius", "halo", "receptive_radius"]

_SIDE_PATHS = ("attention_short.", "trust")
"""Convolutions of AHDRNet that lie beside the longest path, each along one that is as long."""

_SHRINKAGE = SIDE - 1
"""Radius of the shrinkage: from a pixel to the far side of the blocks that it is part of."""


def receptive_radius(config: AnyConfig) -> int:
    """Radius in pixels beyond which an input pixel cannot reach an output pixel.

    43 for AHDRNet as published. For a network with a coarser grid it is the largest over the
    positions that a pixel may have in a cell. Networks that choose also look `EXPLICIT_RADIUS` far
    for the explicit weights, and then over the blocks that a pixel is part of.
    """
    if isinstance(config, FastConfig):
        return max(_fastnet_radius(config), EXPLICIT_RADIUS + _SHRINKAGE)
    radius = _ahdrnet_radius(config)
    return max(radius, EXPLICIT_RADIUS) + _SHRINKAGE if chooses(config) else radius


class DecisionRadius(NamedTuple):
    """How far what AHDRNet makes of its last features looks.

    Attributes:
        features: around a pixel, in the last features.
        frames: likewise, in the frames; at least as far.
    """

    features: int
    frames: int


def decision_radius(config: AHDRConfig) -> DecisionRadius:
    """Radii of the output and of what follows it; see :func:`receptive_radius`."""
    (output,) = (layer.radius for layer in convolutions(config) if layer.name == "output")
    if not chooses(config):
        return DecisionRadius(features=output, frames=output)
    return DecisionRadius(output + _SHRINKAGE, max(output, EXPLICIT_RADIUS) + _SHRINKAGE)


def halo(config: AnyConfig) -> int:
    """Pixels around a tile that a network needs to see: its radius, rounded up to whole cells."""
    cell = stride(config)
    return -(-receptive_radius(config) // cell) * cell


def _ahdrnet_radius(config: AHDRConfig) -> int:
    """Along the longest path: encoder, attention, merge, blocks, fold, spread, refine, output.

    The radius of a chain of stride-1 convolutions is the sum of theirs; of parallel paths,
    the largest. All ways to an output, one convolution each, are alike.
    """
    return sum(
        layer.radius for layer in convolutions(config) if not layer.name.startswith(_SIDE_PATHS)
    )


def _fastnet_radius(config: FastConfig) -> int:
    """The largest radius over the pixels of a cell, traced back through the coarsest grid."""
    radii = {layer.name: layer.radius for layer in convolutions(config)}
    full = _SHRINKAGE + radii["output"] + radii["refine"]
    half = radii["spread"] + radii["fuse"]
    quarter = sum(layer.radius for layer in convolutions(config) if layer.cell == FAST_STRIDE)
    first = radii["encode"]
    farthest = 0
    for pixel in range(FAST_STRIDE):
        low, high = (pixel - full) // 2, (pixel + full) // 2
        low, high = (low - half) // 2, (high + half) // 2
        low, high = 2 * (low - quarter), 2 * (high + quarter) + 1
        low, high = low - first, high + first
        farthest = max(farthest, pixel - 2 * low, 2 * high + 1 - pixel)
    return farthest
