"""Time and memory of AHDRNet on a CPU: eager torch on the whole image against the fast paths.

    python benchmarks/cpu_network.py --size 1500x1000 --threads 2 --repeats 3
    python benchmarks/cpu_network.py --cases winograd,onnxruntime,256,512,1024

A case is ``eager`` (torch, whole image), a runtime, ``int8``, or the side of a tile for the
runtime that ``auto`` means.

Every measurement is a process of its own, so that its peak memory is its own, imports
included; the cases take turns, so that other work on the machine falls on all of them. A
process prepares a bracket and merges it twice: the network, tile by tile, with all that is cut
and put together. The first time warms up, and the system finds the memory; the second time counts.
After that it multiplies matrices: the share is how much longer the merge takes than the direct
convolutions' multiplications and additions would at that rate.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

EAGER, INT8 = "eager", "int8"
RUNTIMES = ("onnxruntime", "winograd")


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1500x1000", help="WIDTHxHEIGHT of the bracket")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cases", default=",".join((EAGER, *RUNTIMES, INT8)))
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(_measure(arguments.case, arguments.size)))
        return

    cases = arguments.cases.split(",")
    runs: dict[str, list[dict[str, float]]] = {case: [] for case in cases}
    for _ in range(arguments.repeats):
        for case in cases:
            runs[case].append(_in_process(case, arguments.size, arguments.threads))
    _print_table(runs, arguments.size, arguments.threads)


def _in_process(case: str, size: str, threads: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--case", case, "--size", size]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout
    measured: dict[str, float] = json.loads(output)
    return measured


def _measure(case: str, size: str) -> dict[str, float]:
    import resource

    import numpy as np

    from ahdr_cli.benchmark.peak import measure_peak
    from ahdr_cli.bracket import Bracket
    from ahdr_cli.checkpoints import load_checkpoint
    from ahdr_cli.images import Exposure, Frame
    from ahdr_cli.merging import MergeOptions, Merger
    from ahdr_cli.networks.cost import macs_per_pixel

    width, height = map(int, size.split("x"))
    generator = np.random.default_rng(0)

    def bracket(height: int, width: int) -> Bracket:
        return Bracket.from_frames(
            [
                Frame(generator.random((height, width, 3), np.float32), Exposure.from_ev(ev))
                for ev in (-2, 0, 2)
            ]
        )

    common = {"device": "cpu", "align": "off", "response": "gamma"}
    if case == EAGER:
        options = MergeOptions(**common, runtime="torch", tile=max(width, height))
    elif case == INT8:
        options = MergeOptions(**common, precision="int8")
    elif case in RUNTIMES:
        options = MergeOptions(**common, runtime=case)
    else:
        options = MergeOptions(**common, tile=int(case))
    checkpoint = load_checkpoint("ahdrnet")
    merger = Merger(checkpoint, options=options)
    prepared = merger.prepare(bracket(height, width))
    tiles = 0

    def count(_done: int, total: int) -> None:
        nonlocal tiles
        tiles = total

    first = time.perf_counter()
    merger.merge(prepared)
    first = time.perf_counter() - first
    wall, cpu = time.perf_counter(), time.process_time()
    merger.merge(prepared, on_tile=count)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    # In kB on Linux, in bytes on macOS. Before matrices are multiplied, which needs torch.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rate = measure_peak(device="cpu", precision="fp32").flops
    direct = 2 * macs_per_pixel(checkpoint.config) * width * height
    return {
        "first": first,
        "wall": wall,
        "cpu": cpu,
        "rss": peak / (1e6 if sys.platform == "linux" else 1e9),
        "tiles": tiles,
        "rate": rate / 1e9,
        "share": wall * rate / direct,
    }


def _print_table(runs: dict[str, list[dict[str, float]]], size: str, threads: int) -> None:
    import torch

    from ahdr_cli.inference.onnxruntime_library import onnxruntime

    print(
        f"{time.strftime('%Y-%m-%d')}, {size} pixels, {threads} threads, {_processor()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"onnxruntime {onnxruntime.__version__}\n"
    )
    print(
        "| case | tiles | first merge (s) | second, each run | median | processor time (s) "
        "| ratio to the first | matrix rate (GFLOP/s) | share of the direct FLOPs' time "
        "| peak RSS (GB) |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    first = next(iter(runs.values()))
    for case, measured in runs.items():
        walls = [run["wall"] for run in measured]
        ratios = [run["wall"] / other["wall"] for run, other in zip(measured, first, strict=True)]
        rates = ", ".join(f"{run['rate']:.0f}" for run in measured)
        shares = ", ".join(f"{run['share']:.2f}" for run in measured)
        print(
            f"| {case} | {measured[0]['tiles']:.0f} | {min(run['first'] for run in measured):.1f} "
            f"| {', '.join(f'{wall:.1f}' for wall in walls)} "
            f"| {statistics.median(walls):.1f} | {min(run['cpu'] for run in measured):.1f} "
            f"| {statistics.median(ratios):.2f} | {rates} | {shares} "
            f"| {max(run['rss'] for run in measured):.2f} |",
            flush=True,
        )


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open() as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
