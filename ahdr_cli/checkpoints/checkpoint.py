"""`Checkpoint`: weights with everything needed to build and describe their network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ahdr_cli.bracket.spacing import TRAINED_SPACING_EV
from ahdr_cli.checkpoints.architectures import architecture_of
from ahdr_cli.errors import CorruptWeightsError
from ahdr_cli.images import FloatArray
from ahdr_cli.networks.activations import activations
from ahdr_cli.networks.config import AnyConfig
from ahdr_cli.networks.convolutions import parameter_shapes

if TYPE_CHECKING:
    from torch import Tensor

    from ahdr_cli.networks.families import AnyNetwork

__all__ = ["Checkpoint"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A network's weights, configuration and history; torch is imported where it is asked for.

    Attributes:
        name: the registered name, or the file's name.
        config: everything that decides the network's shape.
        weights: float32 arrays by parameter name; not to be modified.
        sha256: of the file, 64 hexadecimal digits.
        provenance: where the weights came from and how they were trained.
        spacing_ev: smallest and largest exposure spacing covered by training, in EV.
        bounds: largest absolute value that int8 keeps of each of the network's activations, by
            the names of :mod:`ahdr_cli.networks.activations`; empty without calibration.

    Raises:
        CorruptWeightsError: the weights or the bounds do not fit the configuration.
    """

    name: str
    config: AnyConfig
    weights: Mapping[str, FloatArray]
    sha256: str
    provenance: Mapping[str, str]
    spacing_ev: tuple[float, float] = TRAINED_SPACING_EV
    bounds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        misfit = _misfit(self.config, self.weights)
        if misfit is not None:
            raise CorruptWeightsError(
                f"weights of {self.name!r} do not fit their configuration: {misfit}"
            )
        wrong = self.bounds.keys() ^ set(activations(self.config)) if self.bounds else None
        if wrong:
            raise CorruptWeightsError(
                f"activation bounds of {self.name!r} do not fit its configuration: "
                f"{min(wrong)[:60]!r} is {'unknown' if min(wrong) in self.bounds else 'missing'}"
            )

    @property
    def architecture(self) -> str:
        """The network family, a key of `ARCHITECTURES`."""
        return architecture_of(self.config)

    @property
    def state_dict(self) -> Mapping[str, Tensor]:
        """The weights as tensors, copied anew each time."""
        import torch

        return MappingProxyType(
            {key: torch.from_numpy(array.copy()) for key, array in self.weights.items()}
        )

    def build(self) -> AnyNetwork:
        """A new network with its own copy of these weights: CPU, float32, evaluation mode."""
        import torch

        from ahdr_cli.networks.families import build_network

        # On the meta device nothing is allocated or initialised, and torch's random state is
        # left alone.
        with torch.device("meta"):
            network = build_network(self.config)
        network.load_state_dict(self.state_dict, strict=True, assign=True)
        return network.eval()


def _misfit(config: AnyConfig, weights: Mapping[str, FloatArray]) -> str | None:
    """The first difference between the weights and those that the configuration asks for.

    Both may come from a hostile file, so no more is looked at than the weights there are.
    """
    known = set()
    for key, shape in parameter_shapes(config):
        if key not in weights:
            return f"{key} is missing"
        array = weights[key]
        if array.shape != shape:
            return f"{key} has shape {array.shape}, expected {shape}"
        if array.dtype != np.float32:
            return f"{key} holds {array.dtype}, expected float32"
        known.add(key)
    unknown = weights.keys() - known
    return f"{min(unknown)[:60]!r} is unknown" if unknown else None
