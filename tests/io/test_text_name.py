"""Names of files that are bytes but no text; for RAW see `test_raw`."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from ahdr_cli.errors import InputError
from ahdr_cli.io import HDR_SUFFIXES, probe, read_hdr, write_hdr
from ahdr_cli.io.text_name import text_name

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere the system has only names that are text"
)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / os.fsdecode(b"\xfe")
    path.mkdir()
    return path


@pytest.mark.parametrize("name", ["plain", os.fsdecode(b"caf\xe9")])
@pytest.mark.parametrize("suffix", sorted(HDR_SUFFIXES))
def test_hdr_files(folder, hdr_image, name, suffix):
    path = folder / f"{name}{suffix}"
    write_hdr(path, hdr_image)
    rounding = 0.01 * hdr_image.pixels.max()
    np.testing.assert_allclose(read_hdr(path).pixels, hdr_image.pixels, rtol=0, atol=rounding)
    assert probe(path).is_hdr
    assert list(folder.iterdir()) == [path]


def test_damaged_and_missing_files_are_reported_as_others_are(folder, hdr_image):
    path = folder / "a.exr"
    with pytest.raises(InputError, match="no such file"):
        read_hdr(path)
    write_hdr(path, hdr_image)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="damaged or truncated OpenEXR file") as caught:
        read_hdr(path)
    assert "str" not in caught.value.message
    assert caught.value.path == path


def test_names_that_are_text_stay(tmp_path):
    with text_name(tmp_path / "é.exr") as name:
        assert name == str(tmp_path / "é.exr")
