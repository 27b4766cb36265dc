"""A process takes as many threads as torch would."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from ahdr_cli.inference import threads
from ahdr_cli.inference.threads import cpu_threads


@pytest.mark.parametrize(("asked", "expected"), [("3", 3), ("5,2", 5), (" 4 ", 4)])
def test_openmps_variable_counts(monkeypatch, asked, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert cpu_threads() == expected


@pytest.mark.parametrize("asked", ["", "0", "-1", "many"])
@pytest.mark.parametrize(("allowed", "physical", "expected"), [(8, 4, 4), (2, 64, 2), (3, None, 3)])
def test_otherwise_the_cores_that_we_may_run_on(monkeypatch, asked, allowed, physical, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    monkeypatch.setattr(
        threads.os, "sched_getaffinity", lambda _pid: set(range(allowed)), raising=False
    )
    monkeypatch.setattr(psutil, "cpu_count", lambda *, logical: None if logical else physical)
    assert cpu_threads() == expected


@pytest.mark.parametrize("asked", ["", "1"])
def test_torch_takes_as_many(monkeypatch, asked):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    script = "import torch; print(torch.get_num_threads())"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == cpu_threads()
