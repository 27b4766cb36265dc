"""The public names: few, documented, light, and enough for the main job."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
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
    example, arrays, more = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) == 5
    for name in ("low", "mid", "high"):
        (tmp_path / f"{name}.jpg").write_bytes(
            (repository / "examples" / f"{name}.jpg").read_bytes()
        )
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), namespace)
    assert ahdr_cli.read_hdr(tmp_path / "out.exr").pixels.shape == (360, 640, 3)
    merged = namespace.pop("image")
    assert isinstance(merged, ahdr_cli.HdrImage)

    paths, seconds = (f"{name}.jpg" for name in ("low", "mid", "high")), (1, 4, 16)
    frames = [np.uint8(255 * ahdr_cli.read_frame(path).pixels + 0.5) for path in paths]
    namespace["shots"] = zip(frames, seconds, strict=True)
    exec(compile(arrays, "README.md", "exec"), namespace)
    again = namespace["image"]
    assert isinstance(again, ahdr_cli.HdrImage) and again.size == merged.size

    namespace["paths"] = [f"{name}.jpg" for name in ("low", "mid", "high")]
    exec(compile(more, "README.md", "exec"), namespace)
    np.testing.assert_array_equal(namespace["image"].pixels, merged.pixels)


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (lambda a: ahdr_cli.Frame((255 * a).astype("u1")), 2, "got uint8 (whole numbers are"),
        (lambda a: ahdr_cli.Frame(a.astype("f8")), 2, "float32 from 0 to 1, got float64"),
        (lambda a: ahdr_cli.Frame(a[..., 0]), 2, "must be (H, W, 3), got (9, 9)"),
        (lambda a: ahdr_cli.Frame(a.tolist()), 2, "must be a numpy array, got list"),
        (lambda a: ahdr_cli.HdrImage(a[..., :2]), 2, "must be (H, W, 3), got (9, 9, 2)"),
        (lambda a: ahdr_cli.Exposure(seconds=0), 4, "seconds must be a number, finite and pos"),
        (lambda a: ahdr_cli.Exposure(seconds="1/60"), 4, "got '1/60'"),
        (lambda a: ahdr_cli.Exposure(seconds=None), 4, "got None"),
        (lambda a: ahdr_cli.Exposure(seconds=1, iso=-100), 4, "iso must be a number"),
        (lambda a: ahdr_cli.Bracket.from_frames([ahdr_cli.Frame(a)] * 3), 4, "Exposure(…)"),
    ],
)
def test_arrays_of_ones_own_are_explained(make, code, words):
    with pytest.raises(ahdr_cli.AhdrError) as caught:
        make(np.full((9, 9, 3), 0.5, np.float32))
    assert caught.value.exit_code == code
    assert words in str(caught.value)
