"""What many sets at once want of the libraries beneath: no teams of threads, and memory kept.

By themselves OpenCV and BLAS share out a millisecond's work among all cores. That is good for one
set, but where each core has a set of its own it costs more than it gives. And a set's arrays are so
large that the C library takes each anew from the system, which clears it, and gives it back at
once, for the most part while Python's lock is held: an eighth of a set's processor time.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from threadpoolctl import threadpool_limits

from ahdr_cli.bracket.opencv import has_cv2, load_cv2

__all__ = ["crowd"]

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc
_KEPT = 2**31 - 1  # bytes, the most that mallopt takes
_FROM_HEAPS = 32 << 20  # bytes, the most that it takes for this: a frame of 2.7 megapixels


@contextmanager
def crowd() -> Iterator[None]:
    """For as long as it lasts, each thread of the process computes by itself.

    Memory that is kept stays so until the process ends: no more than it had in use at once. Only
    glibc can be told.
    """
    _keep_memory()
    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(limits=1, user_api="blas"))
        if has_cv2():
            cv2 = load_cv2()
            stack.callback(cv2.setNumThreads, cv2.getNumThreads())
            cv2.setNumThreads(1)
        yield


def _keep_memory() -> None:
    """Reuse freed memory instead of giving it back to the system."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, _FROM_HEAPS)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
