"""Network families by the name that a checkpoint's header carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from ahdr_cli.networks.ahdrnet import AHDRConfig, AHDRNet

__all__ = ["ARCHITECTURES", "AnyConfig", "AnyNetwork", "Architecture", "architecture_of"]

# Unions, once there is a second family.
AnyConfig: TypeAlias = AHDRConfig
AnyNetwork: TypeAlias = AHDRNet


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A network family.

    Attributes:
        config: frozen dataclass with ``to_dict`` and ``from_dict``.
        network: module built from such a configuration and nothing else.
    """

    config: type[AnyConfig]
    network: type[AnyNetwork]


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {"ahdrnet": Architecture(config=AHDRConfig, network=AHDRNet)}
)


def architecture_of(config: AnyConfig) -> str:
    """The name under which a configuration's family is stored."""
    for name, architecture in ARCHITECTURES.items():
        if type(config) is architecture.config:
            return name
    raise TypeError(f"no architecture has a configuration of type {type(config).__name__}")
