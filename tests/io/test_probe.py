"""`probe`: what `ahdr info` shows."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from ahdr_cli.errors import AhdrError
from ahdr_cli.images import Exposure, HdrImage
from ahdr_cli.io import HdrStatistics, probe, write_hdr


@pytest.mark.parametrize(("suffix", "name"), [(".jpg", "JPEG"), (".png", "PNG"), (".tif", "TIFF")])
@pytest.mark.parametrize("orientation", [1, 6])
def test_photographs(tmp_path, picture, bracket_exif, suffix, name, orientation):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture(24, 40)).save(path, exif=bracket_exif(orientation))
    info = probe(path)
    assert (info.width, info.height) == ((40, 24) if orientation == 1 else (24, 40))
    assert (info.format, info.is_hdr, info.bit_depth, info.channels) == (name, False, 8, 3)
    assert info.exposure == Exposure(seconds=1 / 250, iso=200, f_number=5.6)
    assert info.metadata.orientation == orientation
    assert info.statistics is None


def test_sixteen_bits(tmp_path, picture):
    tifffile.imwrite(tmp_path / "a.tif", picture(24, 40, dtype=np.uint16), photometric="rgb")
    assert probe(tmp_path / "a.tif").bit_depth == 16


def test_a_photograph_is_not_decoded(tmp_path, picture):
    """So its header can be shown although the picture is cut off."""
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(240, 400)).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    assert probe(path).width == 400


@pytest.mark.parametrize(
    ("suffix", "name", "bits"),
    [(".hdr", "Radiance HDR", 8), (".exr", "OpenEXR", 16), (".tif", "TIFF", 32)],
)
def test_radiance(tmp_path, hdr_image, suffix, name, bits):
    path = write_hdr(tmp_path / f"a{suffix}", hdr_image)
    info = probe(path)
    assert (info.format, info.is_hdr, info.bit_depth, info.channels) == (name, True, bits, 3)
    assert (info.height, info.width) == hdr_image.size
    assert info.colour_space == "lin_rec709_scene"
    assert info.attributes
    assert info.statistics.maximum == pytest.approx(hdr_image.pixels.max(), rel=5e-3)
    assert info.statistics.finite == hdr_image.pixels.size
    assert all(isinstance(value, str) for value in info.attributes.values())


def test_statistics():
    values = np.arange(1, 1001, dtype=np.float32)
    values = np.concatenate([values, [np.nan, np.inf, -np.inf, -2.0]]).astype(np.float32)
    found = HdrStatistics.of(values)
    assert (found.minimum, found.maximum) == (-2, 1000)
    assert (found.finite, found.nan, found.infinite, found.negative) == (1001, 1, 2, 1)
    assert found.percentiles[50.0] == 500
    assert found.percentiles[99.0] == pytest.approx(990, abs=1)


def test_statistics_without_a_finite_value():
    found = HdrStatistics.of(np.full(3, np.nan, np.float32))
    assert (found.minimum, found.maximum, found.percentiles) == (None, None, {})


@pytest.mark.parametrize("suffix", [".hdr", ".exr", ".tif", ".jpg"])
def test_to_dict_is_json(tmp_path, hdr_image, picture, exif_bytes, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".jpg":
        exif = exif_bytes({}, {33434: (1, 4), 42033: b"12345"})
        Image.fromarray(picture(24, 40)).save(path, exif=exif)
    else:
        pixels = hdr_image.pixels.copy()
        pixels[0, 0] = np.inf
        write_hdr(path, HdrImage(pixels, exposure=hdr_image.exposure))
    text = json.dumps(probe(path).to_dict(), allow_nan=False)
    found = json.loads(text)
    assert found["path"] == str(path)
    assert "12345" not in text
    if suffix == ".jpg":
        assert found["exposure"]["ev"] == -2
        assert found["statistics"] is None
    else:
        assert set(found["statistics"]["percentiles"]) == {"1", "50", "99", "99.9"}


def test_what_cannot_be_read(tmp_path):
    for name, content in (("a", b""), ("b", b"nothing"), ("c.png", b"\x89PNG\r\n\x1a\n")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(AhdrError):
            probe(tmp_path / name)
