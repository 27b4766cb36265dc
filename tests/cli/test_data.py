"""`ahdr data`."""

from __future__ import annotations

import json

import pytest
from PIL import Image


def test_pack_then_preview(ahdr, maps, tmp_path):
    shards = tmp_path / "shards"
    result = ahdr("data", "pack", f"hdr:{maps}", "-o", shards)
    assert result.exit_code == 0, result.stderr
    assert "2 scenes" in result.stderr
    assert [path.name for path in shards.iterdir()] == ["shard-000.safetensors"]
    assert ahdr("data", "pack", f"hdr:{maps}", "-o", shards).exit_code == 6
    assert ahdr("data", "pack", f"hdr:{maps}", "-o", shards, "--overwrite", "-q").stderr == ""

    sheet = tmp_path / "sheet.png"
    options = ["-o", sheet, "--count", 3, "--patch", 48]
    assert ahdr("data", "preview", f"packed:{shards}", *options).exit_code == 0
    with Image.open(sheet) as picture:
        assert picture.size == (3 * 48 + 2 * 4, 5 * 48 + 4 * 4)
    assert ahdr("data", "preview", f"packed:{shards}", *options).exit_code == 6
    other = tmp_path / "other.jpg"
    assert ahdr("data", "preview", f"hdr:{maps}", "-o", other, "-n", 1).exit_code == 0


def test_synth_then_check(ahdr, maps, tmp_path):
    result = ahdr(
        "data", "synth", f"hdr:{maps}", "-o", tmp_path / "set", "-n", 4, "--size", "112x96"
    )
    assert result.exit_code == 0, result.stderr
    assert "4 scenes" in result.stderr
    result = ahdr("data", "check", tmp_path / "set")
    assert result.exit_code == 0, result.stdout
    assert "4 scenes: nothing is wrong" in result.stderr

    scene = sorted((tmp_path / "set").iterdir())[1]
    (scene / "exposure.txt").unlink()
    result = ahdr("data", "check", tmp_path / "set")
    assert result.exit_code == 3
    assert f"{scene}: exposure.txt is missing" in result.stdout
    assert "1 problem found" in result.stderr
    result = ahdr("data", "check", tmp_path / "set", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout) == {
        "kind": "kalantari",
        "items": 4,
        "problems": [{"path": str(scene), "message": "exposure.txt is missing"}],
    }


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["pack", "maps"], 2, "is no source of data"),
        (["pack", "hdr:absent"], 3, "no such folder"),
        (["synth", "kalantari:absent"], 3, "no such folder"),
        (["synth", "hdr:absent", "--size", "96"], 2, "WIDTHxHEIGHT"),
        (["synth", "hdr:absent", "--size", "8x900"], 2, "cannot make"),
        (["synth", "hdr:absent", "--size", "200000x200000"], 7, "200000x200000 pixels take"),
    ],
)
def test_mistakes(ahdr, tmp_path, arguments, code, words):
    result = ahdr("data", *arguments, "-o", tmp_path / "out")
    assert result.exit_code == code
    assert words in result.stderr
    assert not (tmp_path / "out").exists()


def test_memory_that_runs_out_anywhere_has_its_exit_code(ahdr, tmp_path, monkeypatch):
    from ahdr_cli.training import dataset_check

    def fail(*_, **__):
        raise MemoryError("Unable to allocate 2.0 TiB")

    monkeypatch.setattr(dataset_check, "check_dataset", fail)
    result = ahdr("data", "check", tmp_path)
    assert result.exit_code == 7
    assert result.stderr == "ahdr: error: not enough memory: Unable to allocate 2.0 TiB\n"


def test_a_wrong_suffix_is_said_before_any_work(ahdr, tmp_path):
    result = ahdr("data", "preview", "hdr:absent", "-o", tmp_path / "sheet.exr")
    assert result.exit_code == 6
    assert ahdr("data", "check", tmp_path / "absent").exit_code == 3
