"""ONNX Runtime does not report to its makers."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ahdr_cli

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
        "from ahdr_cli.cli.doctor import examine; examine()",
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


def test_doctor_leaves_nothing_in_the_home_folder(tmp_path):
    code = (
        "import sys; sys.argv = ['ahdr', 'doctor']; from ahdr_cli.__main__ import main\n"
        "try: main()\n"
        "except SystemExit as stopped: assert stopped.code == 0\n"
        "assert 'onnxruntime' in sys.modules"
    )
    run(code, tmp_path)
    assert list(tmp_path.rglob("*")) == []


def test_nothing_imports_it_by_name():
    # import-linter sees imports, not the names that `import_module` is given.
    package = Path(ahdr_cli.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                ("import_module", "__import__")
            ):
                names = [leaf.value for leaf in ast.walk(node) if isinstance(leaf, ast.Constant)]
                assert "onnxruntime" not in names, f"{path}:{node.lineno}"
