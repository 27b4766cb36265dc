"""Speed and memory of every stage of a merge, measured the same way on every machine.

The process that asks stays small and imports nothing heavy; every measurement is a process of
its own (:mod:`ahdr_cli.benchmark.__main__`), so that its peak memory is its own.
"""

from ahdr_cli.benchmark.options import BenchmarkOptions
from ahdr_cli.benchmark.results import Benchmark, Peak, SizeResult, Timing
from ahdr_cli.benchmark.session import run_benchmark

__all__ = ["Benchmark", "BenchmarkOptions", "Peak", "SizeResult", "Timing", "run_benchmark"]
