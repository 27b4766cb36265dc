"""How many threads compute on a CPU."""

from __future__ import annotations

import os

__all__ = ["available_cores", "cpu_threads"]


def cpu_threads() -> int:
    """As many as torch takes: ``OMP_NUM_THREADS``, or one for each core that we may run on.

    Cores are physical ones, where it is known how many there are.
    """
    # OpenMP also knows lists, one number for each level of nested parallelism.
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)

    import psutil

    allowed = available_cores()
    return min(allowed, psutil.cpu_count(logical=False) or allowed)


def available_cores() -> int:
    """Logical cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
