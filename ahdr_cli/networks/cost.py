"""What a network costs: multiply-accumulates and parameters."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.families import AnyNetwork
from ahdr_cli.networks.fast import FastNet

__all__ = ["macs_per_pixel", "parameter_count"]


def parameter_count(net: nn.Module) -> int:
    """Number of trainable values."""
    return sum(p.numel() for p in net.parameters())


def macs_per_pixel(net: AnyNetwork) -> int:
    """Multiply-accumulates of the convolutions per output pixel, rounded down.

    A convolution uses each of its weights once a pixel of its own resolution. AHDRNet's are all
    at full resolution, and its encoder, shared by the three frames, counts three times.
    """
    if isinstance(net, AHDRNet):
        return sum(_weights(net)) + 2 * net.encode.weight.numel()
    full, half, quarter = (
        sum(weights for module in modules for weights in _weights(module))
        for modules in _by_resolution(net)
    )
    return full + half // 4 + quarter // 16


def _by_resolution(net: FastNet) -> tuple[tuple[nn.Module, ...], ...]:
    """The modules at full, half and quarter resolution."""
    return (
        (net.refine, net.output),
        (net.encode, net.fuse, net.spread),
        (net.down, net.blocks, net.up),
    )


def _weights(module: nn.Module) -> Iterator[int]:
    return (m.weight.numel() for m in module.modules() if isinstance(m, nn.Conv2d))
