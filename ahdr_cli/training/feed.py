"""`Feed`: batches from an engine, the next one made in the background if that pays.

An engine's samples are a pure function of their indices, so a batch that was made ahead of time
is the batch that would have been made on demand; one that turns out not to be wanted, because
the schedule moved on to another patch size, is thrown away.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import NamedTuple, Self

import torch

from ahdr_cli.training.batch import Batch, Engine

__all__ = ["Feed", "Request"]


class Request(NamedTuple):
    """Samples ``first … first + size - 1`` as patches of `patch` pixels."""

    first: int
    size: int
    patch: int


class Feed:
    """Serves requests from an engine.

    Args:
        engine: makes the batches.
        device: where they are wanted.
        ahead: make announced batches in a thread.
    """

    def __init__(self, engine: Engine, *, device: torch.device, ahead: bool) -> None:
        self._engine = engine
        self._device = device
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="feed") if ahead else None
        self._announced: tuple[Request, Future[Batch]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def get(self, request: Request) -> Batch:
        """The batch, from the thread if it was announced; the engine's errors pass through."""
        announced, self._announced = self._announced, None
        if announced is not None:
            # Waited for even if unwanted, so that the engine never runs twice at a time.
            batch = announced[1].result()
            if announced[0] == request:
                return batch
        return self._make(request)

    def announce(self, request: Request) -> None:
        """What will probably be asked for next."""
        if self._pool is not None:
            self._announced = request, self._pool.submit(self._make, request)

    def _make(self, request: Request) -> Batch:
        indices = range(request.first, request.first + request.size)
        return self._engine.batch(indices, patch=request.patch).to(self._device)
