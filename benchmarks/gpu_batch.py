"""Images a second of `ahdr batch` from JPEG to OpenEXR, by one process or by several shards.

Python's lock bounds what one process can decode, align and encode, however many cores there are
(``batch_lock.py``); shards, as `ahdr batch --shard i/n`, share a GPU like any other processes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path, PurePosixPath
from typing import Any

from ahdr_cli import MergeOptions, Merger
from ahdr_cli.batch import BatchOptions, PlannedSet, run_sets
from ahdr_cli.batch.options import sets_in_flight
from ahdr_cli.benchmark.scene import EVS

__all__ = ["measure_batch"]

IN_MEMORY = Path("/dev/shm")
PATIENCE = 300.0  # seconds that processes wait for each other


def measure_batch(
    arguments: argparse.Namespace, device: str, paths: list[Path], *, align: str, processes: int
) -> dict[str, Any]:
    """All sets once, by processes that start together when each is warm."""
    spawn = multiprocessing.get_context("spawn")
    together, reports = spawn.Barrier(processes + 1), spawn.SimpleQueue()
    share = arguments.sets // processes
    in_flight = arguments.in_flight or max(3, sets_in_flight(None, device=device) // processes)
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as name:
        options = BatchOptions(
            model=arguments.model,
            merge=MergeOptions(device=device, align=align),
            in_flight=in_flight,
        )
        workers = [
            spawn.Process(
                target=_work,
                args=(_Share(Path(name) / str(i), options, paths, share), together, reports),
                daemon=True,
            )
            for i in range(processes)
        ]
        for worker in workers:
            worker.start()
        together.wait(PATIENCE)
        started = time.perf_counter()
        together.wait(PATIENCE)
        seconds = time.perf_counter() - started
        found = [reports.get() for _ in workers]
        for worker in workers:
            worker.join()
    used = sum(report["processor"] for report in found)
    row = {
        "align": align,
        "processes": processes,
        "precision": found[0]["precision"],
        "in_flight": in_flight,
        "sets": share * processes,
        "images_per_second": share * processes / seconds,
        "processor_seconds_a_set": used / (share * processes),
    }
    refusals = {report["refusal"] for report in found} - {None}
    return row | ({"refusal": refusals.pop()} if refusals else {})


@dataclass(frozen=True, slots=True)
class _Share:
    """What one process has to do."""

    folder: Path
    options: BatchOptions
    paths: list[Path]
    count: int


def _work(share: _Share, together: Barrier, reports: SimpleQueue[Any]) -> None:
    """One process's share, timed between two meetings of all."""
    merger = Merger.open(share.options.model, options=share.options.merge)

    def merge(count: int, out: str) -> None:
        sets = [
            PlannedSet(inputs=tuple(share.paths), output=PurePosixPath(f"{i}.exr"), evs=EVS)
            for i in range(count)
        ]
        merged = run_sets(sets, share.folder / out, options=share.options, opener=lambda _: merger)
        failed = [result for result in merged if result.status != "done"]
        assert not failed, failed

    merge(min(3 * (share.options.in_flight or 1), share.count), "warm-up")
    together.wait(PATIENCE)
    used = _processor_seconds()
    merge(share.count, "timed")
    used = _processor_seconds() - used
    together.wait(PATIENCE)
    reports.put(
        {
            "processor": used,
            "precision": merger.plan.precision,
            "refusal": getattr(merger._runtime, "refusal", None),
        }
    )


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
