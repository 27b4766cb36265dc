"""The paper's ablation variants, by name (Yan et al. 2019, section 4.3)."""

from __future__ import annotations

from types import MappingProxyType

from ahdr_cli.networks.ahdrnet import AHDRConfig

__all__ = ["VARIANTS"]

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
"""Configuration of every variant, keyed by the name that `--model` and `ahdr train` use."""
