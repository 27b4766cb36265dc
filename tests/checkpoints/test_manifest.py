from __future__ import annotations

import hashlib

import pytest

from ahdr_cli.checkpoints import read_manifest
from ahdr_cli.errors import CorruptWeightsError, ModelError


@pytest.fixture
def read(tmp_path):
    def read_text(text: str):
        path = tmp_path / "MANIFEST.toml"
        path.write_text(text, encoding="utf-8")
        return read_manifest(path)

    return read_text


def test_the_least(read, tiny_file, manifest_of):
    (entry,) = read(manifest_of(tiny_file))
    assert entry.name == "tiny"
    assert entry.path == tiny_file
    assert entry.sha256 == hashlib.sha256(tiny_file.read_bytes()).hexdigest()
    assert entry.bytes == tiny_file.stat().st_size
    assert entry.description == "for a test"
    assert not entry.default
    assert entry.spacing_ev == (1.0, 3.3)
    assert entry.scores == {}
    assert (entry.macs_per_pixel, entry.receptive_radius) == (None, None)


def test_everything(read, tiny_file, manifest_of):
    text = manifest_of(
        tiny_file,
        default="true",
        spacing_ev="[1, 4.5]",
        macs_per_pixel="1446720",
        receptive_radius="43",
    )
    text += '[model.scores."a set"]\npsnr_mu = 35.6\nscenes = 25\n'
    second = manifest_of(tiny_file, name='"fast"')
    first, other = read(text + second)
    assert first.default
    assert (first.macs_per_pixel, first.receptive_radius) == (1_446_720, 43)
    assert first.spacing_ev == (1.0, 4.5)
    assert first.scores == {"a set": {"psnr_mu": 35.6, "scenes": 25}}
    assert other.name == "fast"


def test_an_empty_manifest_has_no_models(read):
    assert read("") == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": None}, r"unknown one: name$"),
        ({"sha256": None}, r"unknown one: sha256$"),
        ({"description": None, "default": "true"}, r"unknown one: description$"),
        ({"sha256": None, "colour": '"red"', "default": "true"}, r"unknown one: colour, sha256$"),
        ({"colour": '"red"'}, r"unknown one: colour$"),
        ({"name": '"../tiny"'}, "name"),
        ({"name": "3"}, "name"),
        ({"file": '"../tiny.safetensors"'}, "file"),
        ({"file": '"/etc/x.safetensors"'}, "file"),
        ({"file": '"tiny.pt"'}, "file"),
        ({"sha256": '"abc"'}, "sha256"),
        ({"bytes": "0"}, "bytes"),
        ({"bytes": "true"}, "bytes"),
        ({"bytes": '"12"'}, "bytes"),
        ({"description": "[]"}, "description"),
        ({"default": '"yes"'}, "default"),
        ({"macs_per_pixel": "1.4e6"}, "macs_per_pixel"),
        ({"receptive_radius": "0"}, "receptive_radius"),
        ({"spacing_ev": "[3.3, 1.0]"}, "spacing_ev"),
        ({"spacing_ev": "2.0"}, "spacing_ev"),
        ({"scores": "35.6"}, "scores"),
        ({"scores": '{"a set" = 35.6}'}, "scores"),
        ({"scores": '{"a set" = {psnr_mu = "good"}}'}, "scores"),
        ({"scores": '{"a set" = {psnr_mu = nan}}'}, "scores"),
    ],
)
def test_wrong_entries(read, tiny_file, manifest_of, changes, reason):
    with pytest.raises(CorruptWeightsError, match=reason) as caught:
        read(manifest_of(tiny_file, **changes))
    assert caught.value.path.name == "MANIFEST.toml"
    assert "\n" not in str(caught.value)


def test_names_and_default_are_unique(read, tiny_file, manifest_of):
    with pytest.raises(CorruptWeightsError, match="named twice"):
        read(manifest_of(tiny_file) * 2)
    one = manifest_of(tiny_file, default="true")
    other = manifest_of(tiny_file, name='"other"', default="true")
    with pytest.raises(CorruptWeightsError, match="more than one"):
        read(one + other)


@pytest.mark.parametrize("text", ["model = 3", "model = [1]", "[model]\nname = 'x'", "[[model"])
def test_wrong_structure(read, text):
    with pytest.raises(CorruptWeightsError):
        read(text)


def test_unreadable(tmp_path):
    with pytest.raises(ModelError, match="no such file"):
        read_manifest(tmp_path / "absent.toml")
    path = tmp_path / "MANIFEST.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CorruptWeightsError, match="no valid TOML"):
        read_manifest(path)
