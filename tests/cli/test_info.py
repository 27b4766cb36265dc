"""`ahdr info`."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ahdr_cli import HdrImage, write_hdr
from ahdr_cli.images import CaptureMetadata


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


def test_every_bad_file_is_named(ahdr, bracket, tmp_path):
    absent, bad = tmp_path / "absent.jpg", tmp_path / "bad.jpg"
    bad.write_bytes(b"not a picture")
    for arguments in ([], ["--json"]):
        result = ahdr("info", absent, bracket[0], bad, *arguments)
        assert result.exit_code == 3
        lines = result.stderr.splitlines()
        assert [line.startswith("ahdr: error: ") for line in lines] == [True, True]
        assert "absent.jpg: no such file" in lines[0]
        assert "bad.jpg: " in lines[1]
    told = json.loads(result.stdout)
    assert [file["path"] for file in told["files"]] == [str(bracket[0])]
    assert [error["path"] for error in told["errors"]] == [str(absent), str(bad)]
    assert told["errors"][0]["message"] == "no such file"


@pytest.mark.parametrize(
    ("make", "model", "shown"),
    [
        ("Canon", "Canon EOS 550D", "Canon EOS 550D"),
        ("NIKON CORPORATION", "NIKON D750", "NIKON D750"),
        ("SONY", "ILCE-7M3", "SONY ILCE-7M3"),
        (None, "X100", "X100"),
        ("Leica", None, "Leica"),
        (None, None, None),
    ],
)
def test_a_camera_is_named_with_its_maker_once(make, model, shown):
    assert CaptureMetadata(make=make, model=model).camera == shown
