"""Network families by the name that a checkpoint's header carries."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ahdr_cli.networks.config import AHDRConfig, AnyConfig, FastConfig

__all__ = ["ARCHITECTURES", "architecture_of"]

ARCHITECTURES: Mapping[str, type[AnyConfig]] = MappingProxyType(
    {"ahdrnet": AHDRConfig, "fastnet": FastConfig}
)
"""The class of a family's configuration, which says all that is needed to build the network."""


def architecture_of(config: AnyConfig) -> str:
    """The name under which a configuration's family is stored."""
    for name, family in ARCHITECTURES.items():
        if type(config) is family:
            return name
    raise TypeError(f"no architecture has a configuration of type {type(config).__name__}")
