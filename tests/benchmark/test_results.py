from __future__ import annotations

import json
import math

import pytest

from ahdr_cli.benchmark import Benchmark, BenchmarkOptions, Peak, SizeResult, Timing
from ahdr_cli.errors import UsageError


def result(**timings: tuple[float, ...]) -> SizeResult:
    return SizeResult(
        width=1500,
        height=1000,
        timings={name: Timing(runs) for name, runs in timings.items()},
        stages_rss=10**9,
        command_rss=None,
        device_bytes=None,
        macs_per_pixel=1000,
        plan={"model": "tiny"},
    )


def test_a_timing_is_its_median_and_its_spread():
    timing = Timing((3.0, 1.0, 2.0, 10.0))
    assert timing.median == 2.5
    assert timing.spread == (1.0, 10.0)
    with pytest.raises(ValueError, match="at least one"):
        Timing(())


def test_the_rate_counts_two_operations_for_each_multiply_accumulate():
    assert result(network=(4.0, 2.0, 3.0)).network_flops == 2 * 1000 * 1.5e6 / 3.0


def test_the_share_is_that_of_the_machines_own_rate():
    measured = result(network=(3.0,))
    peak = Peak(flops=2e9, threads=2, precision="fp32")
    found = Benchmark(machine={"python": "3"}, peak=peak, sizes=[measured, result()])
    assert found.share(measured) == pytest.approx(0.5)
    assert found.share(result()) is None


def test_everything_is_in_the_json():
    peak = Peak(flops=2e9, threads=2, precision="fp32")
    found = Benchmark(machine={"python": "3"}, peak=peak, sizes=[result(network=(3.0, 1.0))])
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    (size,) = values["sizes"]
    assert size["seconds"] == {"network": {"median": 2.0, "runs": [3.0, 1.0]}}
    assert size["share_of_peak"] == pytest.approx(0.75)
    assert values["peak"] == {"flops": 2e9, "threads": 2, "precision": "fp32"}


@pytest.mark.parametrize("size", [0.0, -1.0, math.nan, math.inf, 1000.0])
def test_sizes_without_meaning_are_refused(size):
    with pytest.raises(UsageError, match="sizes must lie"):
        BenchmarkOptions(sizes=(0.4, size))


def test_at_least_one_size_and_one_run():
    with pytest.raises(UsageError, match="no sizes"):
        BenchmarkOptions(sizes=())
    with pytest.raises(UsageError, match="at least 1, got 0"):
        BenchmarkOptions(repeats=0)
