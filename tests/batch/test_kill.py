"""A short version of ``benchmarks/batch_kill.py``, whose full run is recorded in docs/batch.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def test_killed_and_restarted_it_ends_the_same(repository: Path, tmp_path):
    script = repository / "benchmarks" / "batch_kill.py"
    size = ["--sets", "16", "--width", "64", "--height", "48"]
    finished = subprocess.run(
        [sys.executable, script, *size, "--kills", "2", "--seed", "3", "--folder", tmp_path],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    report = json.loads(finished.stdout)
    assert report["kills"] == 2
    assert report["results"] == 16 - report["damaged"] > 12
    assert report["equal"]
