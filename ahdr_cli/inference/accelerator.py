"""The few operations that inference needs of a GPU, as protocols that tests can simulate.

Work is queued and done while the caller goes on: in order within a queue, concurrently between
queues, except where one queue is told to wait for a mark of another. The results of queued work
may be used only after waiting for a mark that was set behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from torch import Tensor

__all__ = ["Accelerator", "Mark", "Queue", "Work"]

Work: TypeAlias = Callable[[], object]
"""Something that makes a device compute; what it returns is of no interest."""


class Mark(Protocol):
    """A place in a queue."""

    def wait(self) -> None:
        """Return when everything queued before the mark is done."""


class Queue(Protocol):
    """Work for the device, done in order."""

    def copy(self, source: Tensor, target: Tensor) -> None:
        """Copy between tensors of one shape, on the host (`Accelerator.host`) or the device."""

    def run(self, work: Work) -> None:
        """Queue some work."""

    def mark(self) -> Mark:
        """A mark behind what has been queued so far."""

    def follow(self, mark: Mark) -> None:
        """Let what is queued here from now on wait for a mark of another queue."""


class Accelerator(Protocol):
    """A device with queues."""

    def host(self, count: int) -> Tensor:
        """(count,) float32 on the host, which the device can reach by itself."""

    def device(self, count: int) -> Tensor:
        """(count,) float32 on the device."""

    def queue(self) -> Queue:
        """A new queue."""

    def capture(self, work: Work, queue: Queue) -> Work:
        """Record work, to repeat it at the cost of a single call.

        The work must always read and write the same tensors. Recording may run it once, so they
        must hold valid input by then. Memory that it allocates is shared with other captured
        work: never queue two of them concurrently.

        Raises:
            RuntimeError: it cannot be recorded.
        """
