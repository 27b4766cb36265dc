"""CudaAccelerator: queues are CUDA streams, marks are events, captured work is a CUDA graph."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ahdr_cli.inference.accelerator import Mark, Queue, Work
from ahdr_cli.networks.precision import cudnn_flags

__all__ = ["CudaAccelerator"]


@dataclass(frozen=True, slots=True)
class _CudaMark:
    event: torch.cuda.Event

    def wait(self) -> None:
        self.event.synchronize()


@dataclass(frozen=True, slots=True)
class _CudaQueue:
    stream: torch.cuda.Stream

    def copy(self, source: Tensor, target: Tensor) -> None:
        with torch.cuda.stream(self.stream):
            target.copy_(source, non_blocking=True)

    def run(self, work: Work) -> None:
        with torch.cuda.stream(self.stream):
            work()

    def mark(self) -> _CudaMark:
        # Waiting for it sleeps instead of spinning: decoders and encoders want the processor.
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call] # torch's own
        event.record(self.stream)
        return _CudaMark(event)

    def follow(self, mark: Mark) -> None:
        assert isinstance(mark, _CudaMark)
        self.stream.wait_event(mark.event)


class CudaAccelerator:
    """A CUDA device.

    Args:
        name: as :func:`ahdr_cli.inference.devices.select_device` returns it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        # One pool for all graphs: nothing of one is needed when the next one runs.
        with torch.cuda.device(name):
            self._pool = torch.cuda.graph_pool_handle()

    def host(self, count: int) -> Tensor:
        """See :class:`ahdr_cli.inference.accelerator.Accelerator`."""
        return torch.empty(count, pin_memory=True)

    def device(self, count: int) -> Tensor:
        """See :class:`ahdr_cli.inference.accelerator.Accelerator`."""
        memory = torch.empty(count, device=self._name)
        # Whoever gave it back may have left work behind that uses it, on another stream.
        torch.cuda.synchronize(self._name)
        return memory

    def queue(self) -> _CudaQueue:
        """See :class:`ahdr_cli.inference.accelerator.Accelerator`."""
        stream = torch.cuda.Stream(self._name)  # type: ignore[no-untyped-call] # torch's own
        # The network's weights may still be on their way.
        stream.wait_stream(torch.cuda.current_stream(self._name))
        return _CudaQueue(stream)

    def capture(self, work: Work, queue: Queue) -> Work:
        """See :class:`ahdr_cli.inference.accelerator.Accelerator`."""
        assert isinstance(queue, _CudaQueue)
        graph = torch.cuda.CUDAGraph()
        recording = torch.cuda.graph(
            graph,
            pool=self._pool,
            stream=queue.stream,
            # Other threads may allocate meanwhile; by default that would spoil the capture.
            capture_error_mode="thread_local",
        )
        with torch.cuda.device(self._name):
            before = torch.cuda.current_stream()
            # cuDNN gets ready, and remembers what it chose, for each thread anew, and nothing of
            # that may be recorded. A graph is used often enough for cuDNN to try its algorithms.
            with cudnn_flags(tf32=torch.backends.cudnn.allow_tf32, search=True):
                queue.run(work)
                queue.mark().wait()
                try:
                    with recording:
                        work()
                finally:
                    # A recording that fails leaves its own stream behind.
                    torch.cuda.set_stream(before)
        return graph.replay
