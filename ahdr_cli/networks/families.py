"""The families of networks, as types."""

from __future__ import annotations

from typing import TypeAlias

from ahdr_cli.networks.ahdrnet import AHDRConfig, AHDRNet
from ahdr_cli.networks.fast import STRIDE, FastConfig, FastNet

__all__ = ["AnyConfig", "AnyNetwork", "build_network", "stride"]

AnyConfig: TypeAlias = AHDRConfig | FastConfig
AnyNetwork: TypeAlias = AHDRNet | FastNet


def build_network(config: AnyConfig) -> AnyNetwork:
    """The network that a configuration describes, with weights as torch draws them."""
    return FastNet(config) if isinstance(config, FastConfig) else AHDRNet(config)


def stride(net: AnyNetwork) -> int:
    """Pixels per cell of the network's coarsest grid: tiles must begin at multiples of it."""
    return STRIDE if isinstance(net, FastNet) else 1
