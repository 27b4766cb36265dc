"""Which validation data are warned about."""

from __future__ import annotations

import shutil

from ahdr_cli.training.overlap import overlap_warning


def test_the_same_files_are_noticed_however_they_are_named(maps, synthetic, monkeypatch):
    for source in (f"hdr:{maps}", f"synth:{synthetic}"):
        assert "all files of --val" in overlap_warning([f"{source}=2"], [source])
    monkeypatch.chdir(maps.parent)
    assert overlap_warning([f"hdr:{maps}"], [f"hdr:{maps.name}/below"]) is not None
    assert overlap_warning([f"kalantari:{synthetic}"], [f"synth:{synthetic}"]) is not None


def test_a_part_is_counted_and_named(maps):
    found = overlap_warning([f"hdr:{maps / 'below'}"], [f"hdr:{maps}"])
    assert "1 of the 4 files of --val are training data, too" in found
    assert str(maps / "below" / "d.exr") in found


def test_shards_are_known_by_their_set(shards, tmp_path):
    first = sorted(shards.iterdir())[0]
    assert overlap_warning([f"packed:{shards}"], [f"packed:{first}"]) is not None
    copied = shutil.copy(first, tmp_path / "copied.safetensors")
    assert overlap_warning([f"packed:{shards}"], [f"packed:{copied}"]) is not None
    other = sorted(shards.iterdir())[1]
    assert overlap_warning([f"packed:{other}"], [f"packed:{copied}"]) is None


def test_other_data_and_what_cannot_be_read_are_no_concern(maps, photos, tmp_path):
    assert overlap_warning([f"hdr:{maps}"], []) is None
    assert overlap_warning([f"hdr:{maps}"], [f"photo:{photos}"]) is None
    assert overlap_warning([f"hdr:{maps}"], [f"hdr:{tmp_path}"]) is None
    assert overlap_warning(["nonsense"], ["nonsense"]) is None
    (tmp_path / "bad.safetensors").write_bytes(b"x")
    assert overlap_warning([f"hdr:{maps}"], [f"packed:{tmp_path / 'bad.safetensors'}"]) is None
