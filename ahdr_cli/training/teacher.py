"""A teacher: trained weights whose choice between the frames a network imitates.

A network that chooses may learn early to believe the reference frame alone, because no ghost
comes from there. Then the softmax is saturated, no gradient tells it otherwise, and neither noise
is averaged nor is its own picture trained. The divergence from a teacher's choice has a gradient
there, too. The idea is distillation (Hinton, Vinyals & Dean, arXiv:1503.02531), applied to the
weights of the merge.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.errors import UsageError
from ahdr_cli.networks.blend import Choice
from ahdr_cli.networks.config import chooses
from ahdr_cli.networks.families import AnyNetwork
from ahdr_cli.training.settings import TeacherSettings

__all__ = ["Choosing", "Teacher", "divergence"]

_FRAMES = 3


class Choosing(nn.Module):
    """A network whose forward pass returns the whole choice, to be compiled or distributed."""

    def __init__(self, net: AnyNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(self, frames: Tensor) -> Choice:
        """(N, 3, 7, H, W) → what `choose` of the network says, in float32."""
        return Choice._make(part.float() for part in self.net.choose(frames))


class Teacher(NamedTuple):
    """A network that is not trained any more, and how much it is listened to.

    Attributes:
        net: in evaluation mode.
        weight: of the divergence in the objective.
    """

    net: Choosing
    weight: float

    @classmethod
    def open(cls, settings: TeacherSettings, *, device: torch.device) -> Teacher | None:
        """The configured teacher; None without one, or if nobody listens.

        Raises:
            UsageError: the weights belong to a network that does not choose.
            ModelError: there are no such weights, or they are damaged.
        """
        if settings.model is None or not settings.weight:
            return None
        net = load_checkpoint(settings.model).build()
        if not chooses(net.config):
            raise UsageError(
                f"teacher {settings.model!r} paints and does not choose between the frames",
                hint="name weights of `fast` or `ahdrnet-blend`",
            )
        return cls(Choosing(net).to(device).eval().requires_grad_(False), settings.weight)

    def __call__(self, frames: Tensor, choice: Choice) -> Tensor:
        """The weighted divergence of a student's choice for `frames`, a scalar.

        The choice between the three frames alone: how good its own picture is, every network
        finds out for itself.
        """
        with torch.no_grad():
            taught = self.net(frames)
        return self.weight * divergence(choice.logits[:, :_FRAMES], taught.logits[:, :_FRAMES])


def divergence(logits: Tensor, taught: Tensor) -> Tensor:
    """Kullback-Leibler divergence of one choice from another, in nats, mean over pixels.

    ::

        mean(Σ_k t_k · (log t_k - log s_k)),  t = softmax(taught), s = softmax(logits)

    Args:
        logits: (N, K, H, W), the student's.
        taught: (N, K, H, W), the teacher's.
    """
    wanted = torch.log_softmax(taught, dim=1)
    said = torch.log_softmax(logits, dim=1)
    each = F.kl_div(said, wanted, reduction="none", log_target=True)
    return each.sum(dim=1).mean()
