"""`Checkpoint`: weights with everything needed to build and describe their network."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ahdr_cli.bracket.spacing import TRAINED_SPACING_EV
from ahdr_cli.errors import CorruptWeightsError
from ahdr_cli.networks.config import AnyConfig
from ahdr_cli.networks.families import AnyNetwork, build_network

__all__ = ["Checkpoint"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A network's weights, configuration and history.

    Attributes:
        name: the registered name, or the file's name.
        config: everything that decides the network's shape.
        state_dict: tensors by parameter name; not to be modified.
        sha256: of the file, 64 hexadecimal digits.
        provenance: where the weights came from and how they were trained.
        architecture: the network family, a key of `ARCHITECTURES`.
        spacing_ev: smallest and largest exposure spacing covered by training, in EV.
    """

    name: str
    config: AnyConfig
    state_dict: Mapping[str, Tensor]
    sha256: str
    provenance: Mapping[str, str]
    architecture: str = "ahdrnet"
    spacing_ev: tuple[float, float] = TRAINED_SPACING_EV

    def build(self) -> AnyNetwork:
        """A new network with its own copy of these weights: CPU, float32, evaluation mode.

        Raises:
            CorruptWeightsError: the tensors do not fit the configuration.
        """
        weights = {
            key: tensor.to(torch.float32, copy=True) for key, tensor in self.state_dict.items()
        }
        try:
            # On the meta device nothing is allocated or initialised, so a build costs no
            # memory before the weights are known to fit, and leaves torch's random state alone.
            with torch.device("meta"):
                network = build_network(self.config)
            network.load_state_dict(weights, strict=True, assign=True)
        except RuntimeError as error:
            raise CorruptWeightsError(
                f"weights of {self.name!r} do not fit their configuration: "
                f"{_first_particular(error)}"
            ) from error
        return network.eval()


def _first_particular(error: Exception) -> str:
    """The first particular of torch's many-line report, shortened to one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return textwrap.shorten(lines[min(1, len(lines) - 1)], width=160, placeholder=" …").rstrip(".")
