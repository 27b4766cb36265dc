"""BLAS, asked for one thread by those who share out work themselves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

__all__ = ["SingleThreadedBlas"]


class SingleThreadedBlas:
    """While anybody is within, numpy's matrix products take no thread but the asking one.

    It holds for the process, as BLAS knows nothing else; what held before is put back when the
    last one leaves.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._limits: threadpool_limits | None = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Be within."""
        with self._lock:
            if self._within == 0:
                self._limits = threadpool_limits(limits=1, user_api="blas")
            self._within += 1
        try:
            yield
        finally:
            with self._lock:
                self._within -= 1
                if self._within == 0 and self._limits is not None:
                    self._limits.restore_original_limits()
