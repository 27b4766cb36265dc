"""How many threads compute on a CPU."""

from __future__ import annotations

import os

__all__ = ["cpu_threads"]


def cpu_threads() -> int:
    """As many as torch takes: ``OMP_NUM_THREADS``, or one for each core that we may run on.

    Cores are physical ones, where it is known how many there are.
    """
    # OpenMP also knows lists, one number for each level of nested parallelism.
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)

    import psutil

    allowed = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return min(allowed, psutil.cpu_count(logical=False) or allowed)
