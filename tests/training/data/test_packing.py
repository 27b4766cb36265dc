from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from ahdr_cli.errors import InputError, OutputError, OutputExistsError, UsageError
from ahdr_cli.io import read_frame
from ahdr_cli.training.packing import pack_sources
from ahdr_cli.training.photo import lift_photo
from ahdr_cli.training.scene_files import normalised, read_scenes
from ahdr_cli.training.shards import find_shards, read_shards


def test_scenes_come_back_from_shards(maps, photos, shards):
    packed, weights = read_shards(shards)
    assert weights == [3.0, 1.0]
    direct = [*read_scenes(maps, kind="hdr"), *read_scenes(photos, kind="photo")]
    assert [scene.name for scene in packed] == [scene.name for scene in direct]
    assert [scene.source for scene in packed] == [0, 0, 0, 0, 1, 1]
    for ours, theirs in zip(packed, direct, strict=True):
        assert ours.pixels.dtype == np.float16
        error = np.log2(ours.pixels.astype(np.float32) / theirs.pixels.astype(np.float32))
        # Half a step, and the rounding of both to half precision.
        assert np.abs(error).max() < 0.5 / 256 + 2 * 2**-11 * 1.45


def test_photographs_of_8_bits_are_kept_exactly(photos, shards):
    packed, _ = read_shards(shards)
    exact = normalised(lift_photo(read_frame(photos / "one.png").pixels)).astype(np.float16)
    np.testing.assert_array_equal(packed[4].pixels, exact)


def test_the_report_measures(maps, tmp_path):
    calls = []
    report = pack_sources(
        [f"hdr:{maps}"], tmp_path / "out", on_scene=lambda *call: calls.append(call)
    )
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert report.scenes == 4
    assert report.pixels == 4 * 150 * 220
    assert report.bytes == sum(path.stat().st_size for path in report.shards)
    # Uniform rounding has σ = step / √12.
    assert report.error_stops == pytest.approx(1 / 256 / 12**0.5, rel=0.1)
    # Less than the half floats that it stands for.
    assert report.bytes < report.pixels * 6


def test_shards_keep_to_their_size(shards):
    for path in find_shards(shards):
        with safe_open(path, framework="np") as file:
            scenes = len(json.loads(file.metadata()["scenes"]))
        assert path.stat().st_size < 160_000 or scenes == 1


def test_large_images_are_scaled_down(maps, tmp_path):
    pack_sources([f"hdr:{maps}"], tmp_path, largest_side=110)
    scenes, _ = read_shards(tmp_path)
    assert {scene.pixels.shape for scene in scenes} == {(75, 110, 3)}


def test_existing_shards_are_replaced_only_when_asked(maps, photos, tmp_path):
    pack_sources([f"hdr:{maps}"], tmp_path, shard_bytes=1)
    assert len(find_shards(tmp_path)) == 4
    with pytest.raises(OutputExistsError):
        pack_sources([f"photo:{photos}"], tmp_path)
    pack_sources([f"photo:{photos}"], tmp_path, overwrite=True)
    assert [scene.name for scene in read_shards(tmp_path)[0]] == ["one", "two"]


@pytest.mark.parametrize("source", ["kalantari:x", "packed:x", "synth:x"])
def test_only_maps_and_photographs_are_packed(source, tmp_path):
    with pytest.raises(UsageError, match="cannot be packed"):
        pack_sources([source], tmp_path)


def test_a_single_shard_can_be_read(shards):
    last = find_shards(shards)[-1]
    scenes, weights = read_shards(last)
    assert scenes[-1].name == "two"
    assert max(scene.source for scene in scenes) == len(weights) - 1


@pytest.fixture
def copy(shards, tmp_path):
    return shutil.copytree(shards, tmp_path / "copy")


@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_missing_shard_is_noticed(copy, which):
    find_shards(copy)[which].unlink()
    with pytest.raises(InputError, match="is missing"):
        read_shards(copy)


def test_shards_of_different_sets_do_not_mix(copy, maps, tmp_path):
    pack_sources([f"hdr:{maps}=2"], tmp_path / "other", shard_bytes=1)
    shutil.copy(find_shards(tmp_path / "other")[0], find_shards(copy)[0])
    with pytest.raises(InputError, match="different sets"):
        read_shards(copy)


def rewrite(path, **changes):
    with safe_open(path, framework="np") as file:
        header = {**file.metadata(), **changes}
    save_file(load_file(path), path, metadata=header)


def test_damaged_shards_are_named(copy):
    first = find_shards(copy)[0]
    content = first.read_bytes()
    for damaged in (b"", content[:100], content[:-9], bytes(64)):
        first.write_bytes(damaged)
        with pytest.raises(InputError, match=r"shard-000\.safetensors: is a damaged shard"):
            read_shards(copy)
    # One byte of a scene's data: xz's checksum notices.
    first.write_bytes(content[:-200] + bytes([content[-200] ^ 1]) + content[-199:])
    with pytest.raises(InputError, match="damaged"):
        read_shards(copy)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "ahdr-shard-9"}, "ahdr-shard-9"),
        ({"scenes": "[{}]"}, "damaged"),
        ({"scenes": "["}, "damaged"),
        ({"parts": "[]"}, "damaged"),
        ({"number": "x"}, "damaged"),
    ],
)
def test_wrong_headers_are_noticed(copy, changes, message):
    rewrite(find_shards(copy)[0], **changes)
    with pytest.raises(InputError, match=message):
        read_shards(copy)


@pytest.mark.parametrize(
    "field", [{"height": 10**6, "width": 10**6}, {"height": 151}, {"encoding": "jpeg"}, {"part": 7}]
)
def test_wrong_scene_entries_are_noticed(copy, field):
    first = find_shards(copy)[0]
    with safe_open(first, framework="np") as file:
        scenes = json.loads(file.metadata()["scenes"])
    scenes[0].update(field)
    rewrite(first, scenes=json.dumps(scenes))
    with pytest.raises(InputError, match="damaged"):
        read_shards(copy)


def test_other_weights_are_no_shards(tmp_path):
    save_file({"x": np.zeros(3)}, tmp_path / "shard-000.safetensors")
    with pytest.raises(InputError, match="is no shard"):
        read_shards(tmp_path)


def test_a_set_that_could_not_be_finished_leaves_the_old_one(maps, tmp_path):
    """Half of the new shards between the old ones would look like a whole set."""
    pack_sources([f"hdr:{maps}"], tmp_path / "set", shard_bytes=1)
    before = {path.name: path.read_bytes() for path in (tmp_path / "set").iterdir()}
    broken = tmp_path / "broken"
    shutil.copytree(maps, broken)
    last = sorted(broken.iterdir())[-1]
    last.write_bytes(last.read_bytes()[:-1000])
    for destination, kept in (("set", before), ("new", {})):
        with pytest.raises(InputError):
            pack_sources([f"hdr:{broken}"], tmp_path / destination, shard_bytes=1, overwrite=True)
        found = {path.name: path.read_bytes() for path in (tmp_path / destination).iterdir()}
        assert found == kept


def test_shards_of_two_sets_are_no_set(maps, tmp_path):
    for name in ("one", "two"):
        pack_sources([f"hdr:{maps}"], tmp_path / name, shard_bytes=1)
    first = find_shards(tmp_path / "one")[0]
    shutil.copy(first, tmp_path / "two" / first.name)
    with pytest.raises(InputError, match="different sets"):
        read_shards(tmp_path / "two")


def test_a_full_disk_is_named(maps, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="no space left on device"):
        pack_sources([f"hdr:{maps}"], tmp_path / "out")
