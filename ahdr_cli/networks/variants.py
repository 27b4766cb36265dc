"""Configurations by name: the paper's ablation variants and our own models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ahdr_cli.networks.config import AHDRConfig, AnyConfig, FastConfig

__all__ = ["MODELS", "VARIANTS"]

VARIANTS = MappingProxyType(
    {
        "ahdrnet": AHDRConfig(),
        # No attention: the outer frames' features enter ungated.
        "drdb-net": AHDRConfig(attention=False),
        # Attention, dense blocks without dilation.
        "a-rdb-net": AHDRConfig(block="rdb"),
        # Neither attention nor dilation.
        "rdb-net": AHDRConfig(attention=False, block="rdb"),
        # Plain residual blocks in place of dense ones.
        "rb-net": AHDRConfig(attention=False, block="rb"),
        # Ten is the number of residual blocks whose parameters come closest to those of
        # the three dense blocks they replace (738,560 against 796,416; eleven add the rest
        # and a wider fold on top).
        "deep-rb-net": AHDRConfig(attention=False, block="rb", num_blocks=10),
    }
)
"""The variants of Yan et al. 2019, section 4.3."""

MODELS: Mapping[str, AnyConfig] = MappingProxyType(
    {
        **VARIANTS,
        # AHDRNet that may choose the frames themselves: what the weights `ahdrnet` are.
        "ahdrnet-blend": AHDRConfig(output="blend"),
        "fast": FastConfig(),
    }
)
"""Everything that ``ahdr train`` can train, by the name that ``model.variant`` takes."""
