"""`ahdr info`."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ahdr_cli import HdrImage, write_hdr


def test_photographs_as_text(ahdr, bracket):
    result = ahdr("info", *bracket)
    assert result.exit_code == 0
    for path in bracket:
        assert str(path) in result.stdout
    assert "56" in result.stdout
    assert "1/100" in result.stdout
    assert result.stderr == ""


def test_photographs_as_json(ahdr, bracket):
    files = json.loads(ahdr("info", "--json", *bracket).stdout)["files"]
    assert [file["width"] for file in files] == [56] * 3
    assert [file["height"] for file in files] == [40] * 3
    seconds = [file["exposure"]["seconds"] for file in files]
    assert seconds == pytest.approx([0.0025, 0.01, 0.04])


@pytest.mark.parametrize("suffix", [".hdr", ".exr"])
def test_hdr_files(ahdr, tmp_path, scene, suffix):
    path = tmp_path / f"scene{suffix}"
    write_hdr(path, HdrImage(scene.astype(np.float32)))
    (file,) = json.loads(ahdr("info", "--json", path).stdout)["files"]
    assert (file["width"], file["height"]) == (56, 40)
    assert scene.max() == pytest.approx(file["statistics"]["maximum"], rel=0.01)
    assert str(path) in ahdr("info", path).stdout


def test_one_bad_file_does_not_hide_the_others(ahdr, bracket, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"not a picture")
    result = ahdr("info", bracket[0], bad, bracket[1])
    assert result.exit_code == 3
    assert str(bracket[1]) in result.stdout
    assert "bad.jpg" in result.stderr
