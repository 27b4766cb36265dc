from __future__ import annotations

import json

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors import torch as safetensors_torch

from ahdr_cli.checkpoints.container import looks_like_safetensors, read_metadata, reproducible
from ahdr_cli.errors import AhdrError, CorruptWeightsError, UnknownModelError

METADATA = {"format": "ahdr", "b": "é 2.2", "a": '{"x": "\\"quoted\\""}', "z": "", "m": "1"}
TENSORS = {
    "second": torch.arange(6.0).reshape(2, 3),
    "first": torch.ones(3, dtype=torch.float16),
}


def test_equal_contents_are_equal_bytes_whatever_the_order():
    backwards = dict(reversed(METADATA.items()))
    # The library shuffles metadata itself: whatever it puts there has no influence.
    files = {
        reproducible(safetensors_torch.save(TENSORS, metadata=shuffled), metadata=metadata)
        for shuffled in (None, METADATA)
        for metadata in (METADATA, backwards)
    }
    assert len(files) == 1


def test_the_library_reads_it_back(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(reproducible(safetensors_torch.save(TENSORS), metadata=METADATA))
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == METADATA
        assert set(file.keys()) == set(TENSORS)
        for key, tensor in TENSORS.items():
            assert torch.equal(file.get_tensor(key), tensor)
            assert file.get_tensor(key).dtype == tensor.dtype


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20), max_size=4))
def test_data_stay_aligned(metadata):
    data = reproducible(safetensors_torch.save(TENSORS), metadata=metadata)
    assert int.from_bytes(data[:8], "little") % 8 == 0
    for key, tensor in safetensors_torch.load(data).items():
        assert torch.equal(tensor, TENSORS[key])


def test_read_metadata(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(reproducible(safetensors_torch.save(TENSORS), metadata=METADATA))
    assert looks_like_safetensors(path)
    assert read_metadata(path) == METADATA
    path.write_bytes(safetensors_torch.save(TENSORS))
    assert read_metadata(path) == {}


def header(value: object) -> bytes:
    text = json.dumps(value).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 8,
        b"PK\x03\x04 and so on, for a long while",
        header({"a": 1})[:-1],
        header([1, 2]),
        header({"__metadata__": "text"}),
        header({"__metadata__": {"a": 1}}),
        (60).to_bytes(8, "little") + b"\xff" * 60,
        (2**62).to_bytes(8, "little") + b"{}",
        (200_000).to_bytes(8, "little") + b'{"a":' + b"[" * 199_995,
    ],
)
def test_damaged_headers(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(CorruptWeightsError) as caught:
        read_metadata(path)
    assert caught.value.path == path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_no_bytes_provoke_anything_but_our_error(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    looks_like_safetensors(path)
    try:
        read_metadata(path)
    except AhdrError as error:
        assert error.path == path


def test_a_missing_file(tmp_path):
    with pytest.raises(UnknownModelError, match="no such file"):
        looks_like_safetensors(tmp_path / "absent")
    with pytest.raises(UnknownModelError, match=r"directory|denied"):
        read_metadata(tmp_path)
