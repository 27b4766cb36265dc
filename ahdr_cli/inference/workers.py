"""Threads that share out the blocks of an image."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ahdr_cli.images import FloatArray

__all__ = ["Workers", "aligned_floats"]

_HUGE_PAGE = 1 << 21


class Workers:
    """Threads, each with an array of its own.

    Args:
        count: of threads.
        scratch: floats that each of them gets.
    """

    def __init__(self, count: int, *, scratch: int) -> None:
        self._count = count
        self._scratch = scratch
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="ahdr-block")
        self._own = threading.local()

    def run(self, work: Callable[[int], None], blocks: int) -> None:
        """Do the work for blocks 0, 1, … and wait.

        Raises:
            Exception: whatever the work raised first; no thread is at it any more then.
        """
        # A thread asks for its next block itself: handing each over would take Python's lock
        # for as long as a core works on a small block.
        numbers = itertools.count()

        def share() -> None:
            while (block := next(numbers)) < blocks:
                work(block)

        threads = min(self._count, blocks)
        tasks = [self._pool.submit(share) for _ in range(threads)]
        failures = [failure for task in tasks if (failure := task.exception())]
        if failures:
            raise failures[0]

    @property
    def scratch(self) -> FloatArray:
        """Flat float32, the calling thread's own, kept between blocks."""
        array: FloatArray | None = getattr(self._own, "scratch", None)
        if array is None:
            array = self._own.scratch = aligned_floats(self._scratch)
        return array


def aligned_floats(count: int) -> FloatArray:
    """Floats at the beginning of a huge page.

    Blocks are written at many places in turn. In pages of 4 kB these are more than a processor
    remembers the addresses of, which costs a third of the time. Numpy asks Linux for huge pages
    for arrays of 4 MB and more; elsewhere this is an array as any other.
    """
    size = count * np.dtype(np.float32).itemsize
    room = np.empty(size + 2 * _HUGE_PAGE, np.uint8)
    start = -room.ctypes.data % _HUGE_PAGE
    return room[start : start + size].view(np.float32)
