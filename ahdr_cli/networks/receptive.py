"""How far the network looks: its receptive radius, from the modules themselves."""

from __future__ import annotations

from torch import nn

from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.families import AnyNetwork
from ahdr_cli.networks.fast import STRIDE, FastNet

__all__ = ["receptive_radius"]


def receptive_radius(net: AnyNetwork) -> int:
    """Radius in pixels beyond which an input pixel cannot reach an output pixel.

    43 for AHDRNet as published. For a network with a coarser grid it is the largest over the
    positions that a pixel may have in a cell.
    """
    return _ahdrnet_radius(net) if isinstance(net, AHDRNet) else _fastnet_radius(net)


def _ahdrnet_radius(net: AHDRNet) -> int:
    """Along the longest path: encoder, attention, merge, blocks, spread, refine, output.

    The radius of a chain of stride-1 convolutions is the sum of theirs; of parallel paths,
    the largest. All ways to an output, one convolution each, are alike.
    """
    attention = _chain(net.attention_short) if net.config.attention else 0
    trunk = (net.encode, net.merge, net.fold, net.spread, net.refine, net.output)
    return sum(map(_radius, trunk)) + attention + sum(_chain(block) for block in net.blocks)


def _fastnet_radius(net: FastNet) -> int:
    """From each output pixel of a cell back to the input, through the coarsest grid."""
    full = _radius(net.output) + _radius(net.refine)
    half = _radius(net.spread) + _radius(net.fuse)
    quarter = _radius(net.up) + _chain(net.blocks) + _radius(net.down)
    farthest = 0
    for place in range(STRIDE):
        low, high = (place - full) // 2, (place + full) // 2
        low, high = (low - half) // 2, (high + half) // 2
        low, high = 2 * (low - quarter), 2 * (high + quarter) + 1
        low, high = low - _radius(net.encode), high + _radius(net.encode)
        farthest = max(farthest, place - 2 * low, 2 * high + 1 - place)
    return farthest


def _chain(module: nn.Module) -> int:
    """Radius of a module whose convolutions all lie on one path, as in every block here."""
    return sum(_radius(m) for m in module.modules() if isinstance(m, nn.Conv2d))


def _radius(conv: nn.Conv2d) -> int:
    if conv.stride != (1, 1):
        raise ValueError(f"only stride 1 keeps tiles independent, got {conv.stride}")
    return max(d * (k - 1) // 2 for k, d in zip(conv.kernel_size, conv.dilation, strict=True))
