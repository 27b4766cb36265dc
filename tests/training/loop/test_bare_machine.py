"""The training core on a machine with torch, numpy and safetensors, and nothing else of ours."""

from __future__ import annotations

import textwrap

BLOCKED = (
    "typer rich click imageio PIL cv2 piexif tifffile imagecodecs OpenEXR onnx onnxruntime psutil "
    "accelerate tensorboard rawpy"
)

PROGRAM = textwrap.dedent(
    """
    import importlib.machinery, runpy, sys

    find_spec = importlib.machinery.PathFinder.find_spec

    def refuse(name, path=None, target=None):
        absent = name.partition(".")[0] in %r.split()
        return None if absent else find_spec(name, path, target)

    importlib.machinery.PathFinder.find_spec = refuse
    sys.argv[0:1] = []
    runpy.run_path(sys.argv[0], run_name="__main__")
    """
)


def test_a_run_needs_no_other_package(toy_program, run_python, tmp_path):
    done = run_python(
        "-c",
        PROGRAM % BLOCKED,
        toy_program,
        tmp_path / "run",
        "--set",
        "schedule.steps=2",
        "logging.tensorboard=auto",
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "last.safetensors").is_file()
    assert not (tmp_path / "run" / "tensorboard").exists()
