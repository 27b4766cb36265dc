"""The families of networks, as modules of torch."""

from __future__ import annotations

from typing import TypeAlias

from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AnyConfig, FastConfig
from ahdr_cli.networks.fast import FastNet

__all__ = ["AnyNetwork", "build_network"]

AnyNetwork: TypeAlias = AHDRNet | FastNet


def build_network(config: AnyConfig) -> AnyNetwork:
    """The network that a configuration describes, with weights as torch draws them."""
    return FastNet(config) if isinstance(config, FastConfig) else AHDRNet(config)
