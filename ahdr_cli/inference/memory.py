"""How much memory is free, on the device that computes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["free_memory", "free_memory_of_cgroup", "free_memory_of_host"]

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


def free_memory(device: str) -> int:
    """Bytes that may be allocated on a device, as far as anyone can tell.

    Args:
        device: as :func:`ahdr_cli.inference.devices.select_device` returns it.
    """
    if device == "cpu":
        return free_memory_of_host()
    import torch

    if device == "mps":
        # Shared with the host: what Metal recommends, less what is taken.
        limit = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return max(min(limit, free_memory_of_host()), 0)
    free, _ = torch.cuda.mem_get_info(device)
    # What torch's allocator holds without using it can be had as well.
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def free_memory_of_host() -> int:
    """Bytes that this process may still take from the host, its container's limit respected."""
    import psutil

    available: int = psutil.virtual_memory().available
    limit = free_memory_of_cgroup()
    return available if limit is None else min(available, limit)


def free_memory_of_cgroup(root: Path = _CGROUP_ROOT, membership: Path = _OWN_CGROUPS) -> int | None:
    """Bytes left below the tightest memory limit of the process's control groups.

    Version 1 and 2 of Linux' control groups are known. A cache of files counts as free.

    Args:
        root: where control groups are mounted.
        membership: in the format of ``/proc/self/cgroup``, see cgroups(7).

    Returns:
        None if there is no limit, or no control groups.
    """
    left = [
        value for folder in _folders(root, membership) if (value := _left_in(folder)) is not None
    ]
    return max(min(left), 0) if left else None


def _folders(root: Path, membership: Path) -> Iterator[Path]:
    """The groups that the process is in, each with its parents: limits are inherited."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            mount = root  # version 2
        elif "memory" in controllers.split(","):
            mount = root / "memory"
        else:
            continue
        # In a container the group's path may not exist, because the mount begins at it.
        folder = mount / path.lstrip("/")
        while folder != mount and mount in folder.parents:
            yield folder
            folder = folder.parent
        yield mount


def _left_in(folder: Path) -> int | None:
    for limit_name, usage_name, cache_key in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, usage = _number(folder / limit_name), _number(folder / usage_name)
        if limit is not None and usage is not None:
            return limit - usage + _statistic(folder / "memory.stat", cache_key)
    return None


def _number(path: Path) -> int | None:
    """The whole number in a file; None if there is none, as in ``max``."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _statistic(path: Path, key: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    for line in lines:
        name, _, value = line.partition(" ")
        if name == key and value.isdecimal():
            return int(value)
    return 0
