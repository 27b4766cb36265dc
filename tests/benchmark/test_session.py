"""A whole benchmark of a tiny network on tiny frames, in processes of its own."""

from __future__ import annotations

import pytest

from ahdr_cli import load_checkpoint
from ahdr_cli.benchmark import BenchmarkOptions, run_benchmark, session
from ahdr_cli.benchmark.results import STAGES
from ahdr_cli.errors import AhdrError, OutOfMemoryError, UnknownModelError
from ahdr_cli.networks.cost import macs_per_pixel


def test_a_benchmark_from_beginning_to_end(monkeypatch, tiny_model):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    steps: list[str] = []
    options = BenchmarkOptions(
        sizes=(0.006, 0.012), network_up_to=0.01, model=str(tiny_model), device="cpu", repeats=1
    )
    found = run_benchmark(options, on_step=steps.append)

    small, large = found.sizes
    assert set(small.timings) == set(STAGES)
    assert set(large.timings) == set(STAGES) - {"input", "network", "command"}
    for timing in (*small.timings.values(), *large.timings.values()):
        assert len(timing.runs) == 1  # the one for warming up is left out
        assert timing.median > 0
    assert small.megapixels == pytest.approx(0.006, rel=0.1)
    assert small.macs_per_pixel == macs_per_pixel(load_checkpoint(tiny_model).config)
    assert small.plan["device"] == "cpu"
    assert small.plan["model"] == "tiny.safetensors"
    # No process with numpy in it is smaller, nor one with so small frames larger.
    for memory in (small.command_rss, small.stages_rss, large.stages_rss):
        assert memory is None or 2e7 < memory < 4e9
    assert large.command_rss is None and small.device_bytes is None
    assert found.peak.threads == 1
    assert found.share(small) > 0 and found.share(large) is None
    assert "cores" in found.machine["processor"]
    assert steps[0] == "0.006 MP: making three frames"


def test_what_stops_a_merge_stops_a_benchmark():
    with pytest.raises(UnknownModelError, match="no model 'nonesuch'") as raised:
        run_benchmark(BenchmarkOptions(sizes=(0.002,), model="nonesuch"))
    assert raised.value.hint is not None


def test_a_process_that_is_killed_ran_out_of_memory():
    suicide = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(OutOfMemoryError, match="signal 9"):
        session._run([session.sys.executable, "-c", suicide])


def test_a_process_that_fails_is_quoted():
    with pytest.raises(AhdrError, match="exit code 3: no luck"):
        session._run(
            [
                session.sys.executable,
                "-c",
                "import sys; print('no luck', file=sys.stderr); sys.exit(3)",
            ]
        )
