"""How far the network looks: its receptive radius, from the modules themselves."""

from __future__ import annotations

from torch import nn

from ahdr_cli.networks.ahdrnet import AHDRNet

__all__ = ["receptive_radius"]


def receptive_radius(net: AHDRNet) -> int:
    """Radius in pixels beyond which an input pixel cannot reach an output pixel.

    The radius of a chain of stride-1 convolutions is the sum of theirs; of parallel paths,
    the largest. The longest path through AHDRNet is encoder, attention, merge, the blocks
    in sequence, spread, refine, output: 43 for the published configuration.
    """
    attention = _chain(net.attention_short) if net.config.attention else 0
    trunk = (net.encode, net.merge, net.fold, net.spread, net.refine, net.output)
    return sum(map(_radius, trunk)) + attention + sum(_chain(block) for block in net.blocks)


def _chain(module: nn.Module) -> int:
    """Radius of a module whose convolutions all lie on one path, as in every block here."""
    return sum(_radius(m) for m in module.modules() if isinstance(m, nn.Conv2d))


def _radius(conv: nn.Conv2d) -> int:
    if conv.stride != (1, 1):
        raise ValueError(f"only stride 1 keeps tiles independent, got {conv.stride}")
    return max(d * (k - 1) // 2 for k, d in zip(conv.kernel_size, conv.dilation, strict=True))
