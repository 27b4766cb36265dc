"""One process or many: what the loop needs to know of the difference.

Under ``torchrun`` or ``accelerate launch`` every process runs the same program on its own share
of each batch; gradients are averaged by torch's DistributedDataParallel, set up by Hugging Face
Accelerate, which therefore only such runs need. As losses are means over equal shares, N
processes take the very step that one process would take with N times the batch, up to rounding.
"""

from __future__ import annotations

import gc
import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ahdr_cli.errors import DeviceError, MissingDependencyError, UsageError

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = [
    "AcceleratedProcesses",
    "Processes",
    "is_first_process",
    "join_processes",
    "training_device",
]


class Processes:
    """A run of a single process; :class:`AcceleratedProcesses` is the run of many.

    Attributes:
        device: where this process computes.
        rank: this process's number, from 0.
        count: how many there are.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.rank = 0
        self.count = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and talks to the user."""
        return self.rank == 0

    def distribute(self, net: nn.Module) -> nn.Module:
        """The network to call in training; its gradients are those of all processes."""
        return net

    def without_reduction(self, net: nn.Module) -> AbstractContextManager[object]:
        """Gradients are only collected within, because more of the same step will follow."""
        return nullcontext()

    def total(self, values: Tensor) -> Tensor:
        """Sum over processes of a small CPU tensor."""
        return values

    def agree(self, *, seconds: float, stop: bool) -> tuple[float, bool]:
        """The main process's clock, and whether *any* process was asked to stop."""
        return seconds, stop

    def wait(self) -> None:
        """Until all processes are here."""

    def close(self) -> None:
        """End the group."""


class AcceleratedProcesses(Processes):
    """One of several processes, joined by Accelerate."""

    def __init__(self, accelerator: Accelerator) -> None:
        super().__init__(accelerator.device)
        self.rank = accelerator.process_index
        self.count = accelerator.num_processes
        self._accelerator = accelerator

    def distribute(self, net: nn.Module) -> nn.Module:
        """See `Processes`."""
        wrapped: nn.Module = self._accelerator.prepare_model(net)
        return wrapped

    def without_reduction(self, net: nn.Module) -> AbstractContextManager[object]:
        """See `Processes`."""
        context: AbstractContextManager[object] = self._accelerator.no_sync(net)
        return context

    def total(self, values: Tensor) -> Tensor:
        """See `Processes`."""
        summed: Tensor = self._accelerator.reduce(values.to(self.device), reduction="sum")
        return summed.to(values.device)

    def agree(self, *, seconds: float, stop: bool) -> tuple[float, bool]:
        """See `Processes`."""
        clock = seconds if self.is_main else 0.0
        agreed = self.total(torch.tensor([clock, float(stop)], dtype=torch.float64))
        return agreed[0].item(), agreed[1].item() > 0

    def wait(self) -> None:
        """See `Processes`."""
        self._accelerator.wait_for_everyone()

    def close(self) -> None:
        """See `Processes`."""
        # Nobody leaves while another still talks, and nothing of the wrapped network, whose
        # reference cycles outlive the run, may hold on to the group's threads at exit: either
        # can abort a process whose work is done.
        self.wait()
        gc.collect()
        self._accelerator.end_training()


def join_processes(device: str = "auto") -> Processes:
    """This process's place in the run, from the environment that the launcher set.

    Args:
        device: ``auto`` or a torch device; among several processes ``auto``, ``cpu`` or ``cuda``,
            and each takes the GPU of its local rank.

    Raises:
        DeviceError: there is no such device.
        MissingDependencyError: several processes, but no Accelerate.
        UsageError: one particular GPU for several processes.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return Processes(training_device(device))
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(
            f"several processes cannot share device {device!r}", hint="use auto, cpu or cuda"
        )
    on_cpu = training_device(device).type == "cpu"
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise MissingDependencyError(
            "several processes need accelerate, which is not installed",
            hint="pip install 'ahdr[train]'",
        ) from error
    # Mixed precision is the loop's own business, the same for one process and for many.
    return AcceleratedProcesses(Accelerator(cpu=on_cpu, mixed_precision="no"))


def is_first_process() -> bool:
    """Whether this process is the one that speaks for all, before they have joined."""
    return os.environ.get("RANK", "0") == "0"


def training_device(name: str) -> torch.device:
    """``auto`` (CUDA, then MPS, then CPU) or a device by its torch name.

    Raises:
        DeviceError: there is no such device.
    """
    available = ["cpu"]
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if torch.cuda.is_available():
        available.insert(0, "cuda")
    if name == "auto":
        return torch.device(available[0])
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"no device {name!r}", hint=f"one of {', '.join(available)}") from error
    too_high = device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()
    if device.type not in available or too_high:
        raise DeviceError(
            f"device {name!r} is not available", hint=f"one of {', '.join(available)}"
        )
    return device
