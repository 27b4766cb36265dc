"""How long a set of a batch holds Python's lock, and what it takes of the processor in all.

    python benchmarks/batch_lock.py --align off,auto --preview --sets 24

From JPEG to OpenEXR at 1500×1000, with a copy in the network's place. One process cannot merge
more sets a second than one divided by `lock_seconds`, however many cores there are, nor more than
its cores divided by `processor_seconds`. Both are processor time: other work on the machine does
not count, though it makes them somewhat larger.

`lock_seconds` needs Linux, a C compiler and a Python with a shared library (a static one cannot
be watched); it is null otherwise. What Python itself does outside the lock, such as reading files,
and what threads of BLAS and OpenCV do, counts as if it held the lock: it is an upper bound.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from ahdr_cli import MergeOptions, Merger
from ahdr_cli.batch import BatchOptions, PlannedSet, run_sets
from ahdr_cli.batch.crowd import crowd
from ahdr_cli.benchmark.scene import EVS, write_bracket
from ahdr_cli.images import FloatArray
from ahdr_cli.inference.budget import TileBudget

MEGAPIXELS = 1.5
MEMORY = 32 << 30  # bytes that the device claims to have: one tile holds the picture
WATCHED = "AHDR_LOCK_WATCHED"
IN_MEMORY = Path("/dev/shm")


def main() -> None:
    """Measure each case once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--align", default="off,auto")
    parser.add_argument("--preview", action="store_true", help="write previews as well")
    parser.add_argument("--sets", type=int, default=24)
    parser.add_argument("--in-flight", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as name:
        _watch(Path(name))
        paths = write_bracket(Path(name), MEGAPIXELS)
        with crowd():  # as on a GPU
            for align in arguments.align.split(","):
                print(json.dumps(_measure(arguments, Path(name) / align, paths, align)))


class CopyRuntime:
    """Stands for a network on a GPU: copies the reference as often as transfers would."""

    name, device, precision = "torch", "cuda:0", "fp16"
    stride, halo, bytes_per_pixel = 1, 43, 100.0

    def __call__(self, frames: FloatArray, conditions: FloatArray) -> FloatArray:
        """The reference frame."""
        return next(self.merge_tiles(iter((frames,)), conditions))

    def merge_tiles(
        self, tiles: Iterator[FloatArray], conditions: FloatArray
    ) -> Generator[FloatArray, None, None]:
        """The reference frame of each tile."""
        for tile in tiles:
            uploaded = np.empty_like(tile)
            np.copyto(uploaded, tile)
            yield uploaded[1].copy()

    def release(self) -> None:
        """Nothing is held."""


def _measure(
    arguments: argparse.Namespace, folder: Path, paths: list[Path], align: str
) -> dict[str, object]:
    options = BatchOptions(
        model="fast",
        merge=MergeOptions(device="cpu", align=align),
        preview=arguments.preview,
        in_flight=arguments.in_flight,
    )
    merger = Merger.open(options.model, options=options.merge)
    merger._runtime = CopyRuntime()
    merger._budget = TileBudget(runtime=merger._runtime, free=MEMORY)
    merger.plan = replace(merger.plan, device="cuda:0")  # or sets would take turns

    def merge(count: int, out: str) -> None:
        sets = [
            PlannedSet(inputs=tuple(paths), output=PurePosixPath(f"{i}.exr"), evs=EVS)
            for i in range(count)
        ]
        for result in run_sets(sets, folder / out, options=options, opener=lambda _: merger):
            assert result.status == "done", result

    merge(arguments.in_flight, "warm-up")
    used, outside, times = _processor_seconds(), *_outside_lock()
    merge(arguments.sets, "timed")
    used, outside, times = (
        now - before
        for now, before in zip(
            (_processor_seconds(), *_outside_lock()), (used, outside, times), strict=True
        )
    )
    shutil.rmtree(folder)
    return {
        "align": align,
        "preview": arguments.preview,
        "in_flight": arguments.in_flight,
        "processor_seconds": round(used / arguments.sets, 4),
        "lock_seconds": round((used - outside) / arguments.sets, 4) if times else None,
        "let_go": round(times / arguments.sets),
    }


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _watch(folder: Path) -> None:
    """Start this process anew with what counts the time outside the lock, if it can be built."""
    compiler = shutil.which("cc")
    if WATCHED in os.environ or sys.platform != "linux" or compiler is None:
        return
    library, source = folder / "lock_clock.so", Path(__file__).with_name("lock_clock.c")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", source, "-o", library, "-ldl"], check=True)
    environment = os.environ | {"LD_PRELOAD": str(library), WATCHED: "1"}
    ran = subprocess.run([sys.executable, *sys.argv], env=environment, check=False)
    shutil.rmtree(folder)
    raise SystemExit(ran.returncode)


def _outside_lock() -> tuple[float, int]:
    """Seconds of all threads outside the lock until now, and how often they let it go."""
    if WATCHED not in os.environ:
        return 0.0, 0
    library = ctypes.CDLL(None)
    library.nanoseconds_outside_lock.restype = library.times_let_go.restype = ctypes.c_longlong
    return library.nanoseconds_outside_lock() / 1e9, library.times_let_go()


if __name__ == "__main__":
    main()
