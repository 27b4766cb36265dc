"""What a network costs: multiply-accumulates and parameters."""

from __future__ import annotations

from torch import nn

from ahdr_cli.networks.ahdrnet import AHDRNet

__all__ = ["macs_per_pixel", "parameter_count"]


def parameter_count(net: nn.Module) -> int:
    """Number of trainable values."""
    return sum(p.numel() for p in net.parameters())


def macs_per_pixel(net: AHDRNet) -> int:
    """Multiply-accumulates per output pixel.

    Every convolution has stride 1, so each weight is used once a pixel; the encoder, shared
    by the three frames, three times.
    """
    convolutions = (m for m in net.modules() if isinstance(m, nn.Conv2d))
    return sum(m.weight.numel() for m in convolutions) + 2 * net.encode.weight.numel()
