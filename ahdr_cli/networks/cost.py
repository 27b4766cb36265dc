"""What a network costs: multiply-accumulates and parameters."""

from __future__ import annotations

from collections import Counter

from ahdr_cli.networks.config import AnyConfig, chooses
from ahdr_cli.networks.constants import SIDE
from ahdr_cli.networks.convolutions import convolutions
from ahdr_cli.networks.transform import block_frequencies

__all__ = ["macs_per_pixel", "parameter_count"]


def parameter_count(config: AnyConfig) -> int:
    """Number of trainable values."""
    return sum(layer.weights + layer.outputs for layer in convolutions(config))


def macs_per_pixel(config: AnyConfig) -> int:
    """Multiply-accumulates of the convolutions per output pixel, rounded down.

    A convolution uses each of its weights once a pixel of its own resolution. AHDRNet's are all
    at full resolution, and its encoder, shared by the three frames, counts three times. Networks
    that choose also transform every block of what they merged, and transform it back.
    """
    of_cell = Counter[int]()
    for layer in convolutions(config):
        of_cell[layer.cell] += layer.uses * layer.weights
    if chooses(config):
        of_cell[1] += 2 * block_frequencies(SIDE).size
    return sum(macs // cell**2 for cell, macs in of_cell.items())
