"""A simulated accelerator, as unhelpful as a real one may be, and the real one if there is one."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ahdr_cli.inference.accelerator import Mark, Queue, Work


class SimulatedMark:
    def __init__(self, device: SimulatedAccelerator) -> None:
        self.device = device
        self.reached = False

    def wait(self) -> None:
        self.device.advance_to(self)


class SimulatedQueue:
    """Waiting operations, and marks of other queues that it has to wait for."""

    def __init__(self, device: SimulatedAccelerator) -> None:
        self.device = device
        self.waiting: deque[Work | SimulatedMark] = deque()

    def copy(self, source: Tensor, target: Tensor) -> None:
        assert source.shape == target.shape
        self._add(lambda: target.copy_(source))

    def run(self, work: Work) -> None:
        if self.device.trouble is not None:
            self.device.trouble()
        self._add(work)

    def mark(self) -> SimulatedMark:
        mark = SimulatedMark(self.device)
        self._add(lambda: setattr(mark, "reached", True))
        return mark

    def follow(self, mark: Mark) -> None:
        assert isinstance(mark, SimulatedMark)
        self._add(mark)

    def _add(self, operation: Work | SimulatedMark) -> None:
        with self.device.lock:
            self.waiting.append(operation)
            self.device.dawdle()


class SimulatedAccelerator:
    """Computes on the host, but as late and in as odd an order as queues and marks allow.

    Work is done at random moments, seldom before it is waited for; fresh memory is NaN. So whoever
    forgets a copy, a mark or a wait gets NaN or something stale, for some seed.
    """

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.lock = threading.RLock()
        self.queues: list[SimulatedQueue] = []
        self.allocations = 0
        self.captures = 0
        self.trouble: Callable[[], None] | None = None
        """Raises what starting work is to raise."""
        self.refusal: RuntimeError | None = None
        """What capturing is to raise."""

    def host(self, count: int) -> Tensor:
        return self.device(count)

    def device(self, count: int) -> Tensor:
        self.allocations += 1
        return torch.full((count,), torch.nan)

    def queue(self) -> SimulatedQueue:
        queue = SimulatedQueue(self)
        self.queues.append(queue)
        return queue

    def capture(self, work: Work, queue: Queue) -> Work:
        assert queue in self.queues
        if self.refusal is not None:
            raise self.refusal
        queue.run(work)
        self.captures += 1
        return work

    @property
    def idle(self) -> bool:
        return not any(queue.waiting for queue in self.queues)

    def dawdle(self) -> None:
        """Do a little, most often nothing."""
        for _ in range(self.random.choice((0, 0, 0, 1, 5))):
            self._step()

    def advance_to(self, mark: SimulatedMark) -> None:
        with self.lock:
            while not mark.reached:
                assert self._step(), "queues wait for each other"

    def _step(self) -> bool:
        """Do one operation of some queue, if any may be done."""
        ready = [queue for queue in self.queues if queue.waiting and _may_go(queue.waiting[0])]
        if not ready:
            return False
        operation = self.random.choice(ready).waiting.popleft()
        if not isinstance(operation, SimulatedMark):
            operation()
        return True


def _may_go(operation: Work | SimulatedMark) -> bool:
    return not isinstance(operation, SimulatedMark) or operation.reached


@pytest.fixture(scope="session")
def simulate() -> Callable[[int], SimulatedAccelerator]:
    """An accelerator whose moods depend on a seed."""
    return SimulatedAccelerator


@pytest.fixture(scope="session")
def weighted_sum() -> Callable[[Tensor, Tensor], Tensor]:
    """Stands in for a network: all that goes in shows in what comes out."""

    def network(frames: Tensor, conditions: Tensor) -> Tensor:
        return (frames * conditions[:3, None, None, None]).sum(dim=0)

    return network


@pytest.fixture(scope="session")
def cuda() -> str:
    """The first CUDA device."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device and a torch that is built for it")
    return "cuda:0"
