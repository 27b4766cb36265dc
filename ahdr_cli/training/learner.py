"""`Learner`: a network with its optimiser and its average, and the one step that they take."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from ahdr_cli.errors import UsageError
from ahdr_cli.networks.config import chooses
from ahdr_cli.networks.families import AnyNetwork
from ahdr_cli.training.batch import Batch, network_frames
from ahdr_cli.training.config import TrainConfig
from ahdr_cli.training.distributed import Processes
from ahdr_cli.training.ema import WeightAverage
from ahdr_cli.training.loss import objective
from ahdr_cli.training.precision import choose_precision, compiled
from ahdr_cli.training.teacher import Choosing, Teacher

__all__ = ["Learner"]


class Learner:
    """Everything that changes when a step is taken.

    Args:
        net: with its initial weights; becomes the learner's own.
        config: of the run.
        processes: share the gradients.

    Raises:
        UsageError: a teacher that does not choose, or one for a network that does not.
        ModelError: there is no such teacher.

    Attributes:
        net: the network, on the processes' device.
        average: the moving average of its weights.
    """

    def __init__(self, net: AnyNetwork, *, config: TrainConfig, processes: Processes) -> None:
        device = processes.device
        options = config.optimiser
        layout = torch.channels_last if config.runtime.channels_last else torch.contiguous_format
        self.net: AnyNetwork = net.to(device=device, memory_format=layout).train()  # type: ignore[call-overload] # torch's stub of Module.to lacks this combination
        self.average = WeightAverage(self.net, decay=config.ema.decay)
        self._config = config
        self._processes = processes
        self._optimiser = torch.optim.Adam(
            self.net.parameters(),
            lr=options.lr,
            betas=(options.beta1, options.beta2),
            eps=options.eps,
            fused=device.type in ("cpu", "cuda"),
        )
        self._precision = choose_precision(config.runtime, device)
        self._scaler = self._precision.scaler(device)
        self._teacher = Teacher.open(config.teacher, device=device)
        self._chooses = chooses(self.net.config)
        if self._teacher is not None and not self._chooses:
            raise UsageError(
                "a network that paints has no choice to be taught",
                hint="train `fast` or `ahdrnet-blend`, or set teacher.model=none",
            )
        trained = Choosing(self.net) if self._chooses else self.net
        self._forward = processes.distribute(compiled(trained, config.runtime, device))

    def step(self, batch: Batch, *, lr: float) -> Tensor:
        """One optimiser step on this process's share of the batch.

        Args:
            batch: on the processes' device.
            lr: learning rate of this step.

        Returns:
            (2,) on the device, not yet waited for: the loss on this share, and the norm of the
            common gradient before clipping.
        """
        for group in self._optimiser.param_groups:
            group["lr"] = lr
        self._optimiser.zero_grad(set_to_none=True)
        loss = self._backward(batch)
        self._scaler.unscale_(self._optimiser)
        norm = torch.nn.utils.clip_grad_norm_(
            self.net.parameters(), self._config.optimiser.clip or float("inf")
        )
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self.average.update(self.net)
        return torch.stack((loss, norm))

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, for :meth:`load_state_dict`."""
        return {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a stored state, exactly."""
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        options = [dict(group) for group in self._optimiser.param_groups]
        # Copied, because torch would take over the tensors and change them with every step.
        self._optimiser.load_state_dict(copy.deepcopy(state["optimiser"]))
        # The moments are the stored ones; the settings are those of the configuration.
        for group, own in zip(self._optimiser.param_groups, options, strict=True):
            group.update({name: own[name] for name in ("betas", "eps")})
        if state["scaler"]:
            self._scaler.load_state_dict(state["scaler"])

    def _backward(self, batch: Batch) -> Tensor:
        """Collect the gradient of the mean loss, part by part; returns that loss."""
        parts = self._config.optimiser.accumulate
        device = self._processes.device
        loss = torch.zeros((), device=device)
        shares = zip(*(tensor.chunk(parts) for tensor in batch), strict=True)
        for number, share in enumerate(map(Batch._make, shares), start=1):
            # Processes exchange gradients once a step, with the last part.
            alone = self._processes.without_reduction(self._forward)
            with alone if number < parts else nullcontext():
                frames = network_frames(share)
                part = self._loss(frames, share) / parts
                self._scaler.scale(part).backward()  # type: ignore[no-untyped-call] # torch leaves it so
            loss += part.detach()
        return loss

    def _loss(self, frames: Tensor, batch: Batch) -> Tensor:
        device, settings = self._processes.device, self._config.loss
        if not self._chooses:
            with self._precision.autocast(device):
                prediction = self._forward(frames)
            return objective(prediction.float(), batch, settings)
        with self._precision.autocast(device):
            choice = self._forward(frames)
        loss = objective(choice.radiance, batch, settings, own=choice.own)
        if self._teacher is not None:
            loss = loss + self._teacher(frames, choice)
        return loss
