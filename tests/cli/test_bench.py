from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ahdr_cli import benchmark
from ahdr_cli.benchmark import Benchmark, Peak, SizeResult, Timing


@pytest.fixture
def asked(monkeypatch) -> list[benchmark.BenchmarkOptions]:
    """Options that reached the benchmark, which itself is replaced."""
    options: list[benchmark.BenchmarkOptions] = []

    def run(wanted, *, on_step=None):
        options.append(wanted)
        if on_step is not None:
            on_step("at work")
        timings = {"decode": Timing((0.5, 0.25, 1.0)), "network": Timing((2.0,))}
        size = SizeResult(
            width=1500,
            height=1000,
            timings=timings,
            stages_rss=1_250_000_000,
            command_rss=None,
            device_bytes=None,
            macs_per_pixel=10_000,
            plan={},
        )
        peak = Peak(flops=3e10, threads=2, precision="fp32")
        return Benchmark(machine={"processor": "an abacus"}, peak=peak, sizes=[size])

    monkeypatch.setattr(benchmark, "run_benchmark", run)
    return options


def test_the_table_has_medians_spread_and_share(ahdr, asked):
    result = ahdr("bench", "--sizes", "1.5", "--repeats", 3)
    assert result.exit_code == 0, result.output
    assert asked[0].sizes == (1.5,)
    for part in ("1.5 MP", "0.5 (0.25 to 1)", "50%", "1.25", "30 GFLOP/s", "an abacus"):
        assert part in result.stdout
    assert "peak on the device" not in result.stdout
    assert "at work" in result.stderr


@pytest.mark.parametrize(("rate", "explained"), [(3e10, False), (1e10, True)])
def test_a_share_above_one_is_explained(ahdr, asked, monkeypatch, rate, explained):
    run = benchmark.run_benchmark

    def slower(*arguments, **settings):
        found = run(*arguments, **settings)
        return replace(found, peak=replace(found.peak, flops=rate))

    monkeypatch.setattr(benchmark, "run_benchmark", slower)
    result = ahdr("bench", "--sizes", "1.5")
    assert ("150%" in result.stdout) == explained
    assert ("Winograd's algorithm does fewer" in result.stdout) == explained


def test_json_is_all_there_is_on_stdout(ahdr, asked):
    result = ahdr("bench", "--json", "--quiet", "--network-up-to", "2", "--device", "cpu")
    assert json.loads(result.stdout)["sizes"][0]["seconds"]["decode"]["median"] == 0.5
    assert result.stderr == ""
    assert asked[0].network_up_to == 2
    assert asked[0].device == "cpu"


@pytest.mark.parametrize("sizes", ["large", "0.4,x", "", "9999", "nan"])
def test_sizes_without_meaning_are_usage_errors(ahdr, sizes):
    result = ahdr("bench", "--sizes", sizes)
    assert result.exit_code == 2
    assert "sizes" in result.stderr
