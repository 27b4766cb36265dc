"""What inference needs of a GPU, so small that tests can stand in for one.

Work is queued, and done while the caller goes on: in order within a queue, side by side between
queues, except where one is told to wait for a mark of another. What was queued may be relied
upon only after waiting for a mark that came behind it.
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
        """Have something computed."""

    def mark(self) -> Mark:
        """A mark behind what has been queued so far."""

    def follow(self, mark: Mark) -> None:
        """What is queued here from now on begins after a mark of another queue."""


class Accelerator(Protocol):
    """A device with queues."""

    def host(self, count: int) -> Tensor:
        """(count,) float32 on the host, which the device can reach by itself."""

    def device(self, count: int) -> Tensor:
        """(count,) float32 on the device."""

    def queue(self) -> Queue:
        """A new queue."""

    def capture(self, work: Work, queue: Queue) -> Work:
        """Record work once, to have it computed again and again at the cost of one call.

        It must always read and write the same tensors; it may be done once by this, so that
        they are to hold what it can compute with. All that it allocates is shared with other
        captured work: queue no two of them side by side.

        Raises:
            RuntimeError: it cannot be recorded.
        """
