"""Time and memory of the network on a CPU: eager whole image against what a merge does.

    python benchmarks/cpu_network.py --size 1500x1000 --threads 2 --repeats 3
    python benchmarks/cpu_network.py --size 1500x1000 --threads 2 --tiles 256,384,512,768,1024

Every measurement is a process of its own, so that its peak memory is its own, imports
included; the cases take turns, so that other work on the machine falls on all of them. A
process merges once a small bracket to warm up and once the large one, which is timed.
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

EAGER, AUTO = "eager, whole image", "auto"


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1500x1000", help="WIDTHxHEIGHT of the bracket")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tiles", default="", help="tile sides to compare, as 256,512")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(_measure(arguments.case, arguments.size)))
        return

    cases = [EAGER, AUTO, *filter(None, arguments.tiles.split(","))]
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

    from ahdr_cli.bracket import Bracket
    from ahdr_cli.images import Exposure, Frame
    from ahdr_cli.merging import MergeOptions, Merger

    width, height = map(int, size.split("x"))
    generator = np.random.default_rng(0)

    def bracket(height: int, width: int) -> Bracket:
        return Bracket.from_frames(
            [
                Frame(generator.random((height, width, 3), np.float32), Exposure.from_ev(ev))
                for ev in (-2, 0, 2)
            ]
        )

    options = {
        EAGER: MergeOptions(device="cpu", align="off", runtime="torch", tile=max(width, height)),
        AUTO: MergeOptions(device="cpu", align="off"),
    }.get(case) or MergeOptions(device="cpu", align="off", tile=int(case))
    merger = Merger.open(options=options)
    merger(bracket(64, 64))
    image = bracket(height, width)
    tiles = 0

    def count(_done: int, total: int) -> None:
        nonlocal tiles
        tiles = total

    wall, cpu = time.perf_counter(), time.process_time()
    merger(image, on_tile=count)
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        # In kB on Linux, in bytes on macOS.
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / (1e6 if sys.platform == "linux" else 1e9),
        "tiles": tiles,
    }


def _print_table(runs: dict[str, list[dict[str, float]]], size: str, threads: int) -> None:
    import onnxruntime
    import torch

    print(
        f"{time.strftime('%Y-%m-%d')}, {size} pixels, {threads} threads, {_processor()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"onnxruntime {onnxruntime.__version__}\n"
    )
    print("| tile | tiles | wall (s), each run | median | ratio to eager | peak RSS (GB) |")
    print("|---|---|---|---|---|---|")
    for case, measured in runs.items():
        walls = [run["wall"] for run in measured]
        ratios = [
            run["wall"] / eager["wall"] for run, eager in zip(measured, runs[EAGER], strict=True)
        ]
        print(
            f"| {case} | {measured[0]['tiles']:.0f} | {', '.join(f'{wall:.1f}' for wall in walls)} "
            f"| {statistics.median(walls):.1f} | {statistics.median(ratios):.2f} "
            f"| {max(run['rss'] for run in measured):.2f} |"
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
