"""ONNX Runtime does not report to its makers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SWITCH = "ORT_DISABLE_TELEMETRY"


def run(code: str, home, **variables: str) -> str:
    """Run code in a process whose home folder is `home`; returns what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != SWITCH}
    environment.pop("XDG_CACHE_HOME", None)
    completed = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"HOME": str(home)} | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return completed.stdout.strip()


@pytest.mark.parametrize(
    "use",
    [
        "import ahdr_cli.inference.onnx_runtime",
        "import ahdr_cli.inference.int8_support",
        "from ahdr_cli.inference.winograd_support import winograd_failure; winograd_failure()",
        "from ahdr_cli.cli.doctor import _runtimes; _runtimes()",
    ],
)
def test_its_telemetry_is_off_before_it_is_imported(tmp_path, use):
    code = f"{use}; import os, sys; print(os.environ[{SWITCH!r}], 'onnxruntime' in sys.modules)"
    assert run(code, tmp_path) == "1 True"
    left = [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name]
    assert left == []  # no identifier, no events to be sent


def test_who_wants_it_keeps_it(tmp_path):
    code = f"import ahdr_cli.inference.onnx_runtime, os; print(os.environ[{SWITCH!r}])"
    # Not "0", with which the test itself would report.
    assert run(code, tmp_path, **{SWITCH: "yes"}) == "yes"
