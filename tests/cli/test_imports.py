"""What a command imports: on a CPU, merging needs neither torch nor, unaligned, OpenCV."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = """
import sys

from ahdr_cli.cli.app import app
from ahdr_cli.inference import devices

devices._DRIVERS = ()  # as on a machine without a GPU
try:
    app(sys.argv[1:])
except SystemExit as stop:
    assert not stop.code, stop.code
print(*sys.modules, file=sys.stderr)
"""


@pytest.fixture
def imported_by(tiny_model: Path, repository: Path) -> Callable[..., set[str]]:
    """Names of the modules that a command with the tiny model has imported in the end."""

    def run(command: str, *arguments: object) -> set[str]:
        words = [command, *map(str, arguments), "--model", str(tiny_model), "--quiet"]
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=repository,
        )
        assert done.returncode == 0, done.stderr
        return set(done.stderr.split())

    return run


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "auto",
            marks=pytest.mark.skipif(
                sys.platform != "linux", reason="elsewhere only torch knows whether there is a GPU"
            ),
        ),
    ],
)
def test_a_merge_on_a_cpu_does_without_torch(imported_by, large_bracket, tmp_path, device):
    output = tmp_path / "out.exr"
    modules = imported_by("merge", *large_bracket, "-o", output, "--device", device)
    assert output.is_file() and (tmp_path / "out_preview.png").is_file()
    assert "torch" not in modules
    assert "cv2" in modules  # they were looked at for motion


def test_a_report_does_without_torch(imported_by, bracket, tmp_path):
    arguments = ("-o", tmp_path / "out.hdr", "--report", tmp_path / "out.html", "--device", "cpu")
    assert "torch" not in imported_by("merge", *bracket, *arguments)


def test_a_batch_on_a_cpu_does_without_torch(imported_by, bracket, tmp_path):
    output = tmp_path / "merged"
    modules = imported_by("batch", tmp_path, "-o", output, "--device", "cpu")
    assert list(output.rglob("*.hdr")) or list(output.rglob("*.exr"))
    assert "torch" not in modules


def test_without_alignment_a_merge_does_without_opencv(imported_by, bracket, tmp_path):
    arguments = ("-o", tmp_path / "out.exr", "--device", "cpu", "--align", "off")
    assert "cv2" not in imported_by("merge", *bracket, *arguments)


def test_torch_is_imported_where_it_computes(imported_by, bracket, tmp_path):
    """So that the tests above can fail."""
    arguments = ("-o", tmp_path / "out.exr", "--device", "cpu", "--runtime", "torch")
    modules = imported_by("merge", *bracket, *arguments)
    assert "torch" in modules and "onnxruntime" not in modules
