"""The public names: few, documented, light, and enough for the main job."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import ahdr_cli


def test_all_is_sorted_small_and_real():
    assert ahdr_cli.__all__ == sorted(ahdr_cli.__all__)
    assert len(ahdr_cli.__all__) <= 30
    for name in ahdr_cli.__all__:
        assert getattr(ahdr_cli, name) is not None
    assert set(ahdr_cli.__all__) == set(dir(ahdr_cli))


def test_every_public_name_has_a_docstring():
    for name in ahdr_cli.__all__:
        if name != "__version__":
            assert getattr(ahdr_cli, name).__doc__, name


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'mrege'"):
        _ = ahdr_cli.mrege


def test_import_is_light():
    script = (
        "import sys, ahdr_cli\n"
        "heavy = {'torch', 'cv2', 'numpy', 'typer', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_example_of_the_readme_runs(repository, tmp_path, monkeypatch):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) == 5
    for name in ("low", "mid", "high"):
        (tmp_path / f"{name}.jpg").write_bytes(
            (repository / "examples" / f"{name}.jpg").read_bytes()
        )
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), namespace)
    assert ahdr_cli.read_hdr(tmp_path / "out.exr").pixels.shape == (360, 640, 3)
    assert isinstance(namespace["image"], ahdr_cli.HdrImage)
