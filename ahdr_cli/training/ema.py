"""The exponential moving average of a network's weights."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

__all__ = ["WeightAverage"]


class WeightAverage:
    """A second network that follows the first one slowly; better than any single step of it.

    The decay is min(decay, (1 + n) / (10 + n)) after n updates, so that a young average forgets
    the initial weights quickly (the rule of TensorFlow's ``ExponentialMovingAverage``). With
    decay 0 the average is the latest weights themselves.

    Args:
        net: the network to follow; copied.
        decay: in [0, 1).
    """

    def __init__(self, net: nn.Module, *, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.net = copy.deepcopy(net).eval().requires_grad_(requires_grad=False)

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Take one step towards the weights of `net`."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(list(self.net.parameters()), list(net.parameters()), 1.0 - decay)
        self.updates += 1

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on, for :meth:`load_state_dict`."""
        return {"updates": self.updates, "net": self.net.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a stored state, exactly."""
        self.updates = state["updates"]
        self.net.load_state_dict(state["net"])
