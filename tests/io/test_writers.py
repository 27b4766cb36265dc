"""`write_hdr` as a whole, and float TIFF."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ahdr_cli.errors import (
    InputError,
    OutputError,
    OutputExistsError,
    UnsupportedFormatError,
    UsageError,
)
from ahdr_cli.images import Exposure, HdrImage
from ahdr_cli.io import HDR_SUFFIXES, WriteOptions, largest_value, probe, read_hdr, write_hdr


@pytest.mark.parametrize("suffix", [*HDR_SUFFIXES, ".EXR"])
def test_every_suffix_round_trips(tmp_path, hdr_image, suffix):
    path = tmp_path / f"a{suffix}"
    assert write_hdr(path, hdr_image) == path
    found = read_hdr(path)
    peak = hdr_image.pixels.max(axis=-1, keepdims=True)
    assert (np.abs(found.pixels - hdr_image.pixels) <= peak / 250).all()
    assert found.colour_space == "lin_rec709_scene"


@pytest.mark.parametrize("suffix", HDR_SUFFIXES)
def test_nothing_but_finite_values_is_written(tmp_path, suffix):
    pixels = np.ones((8, 16, 3), np.float32)
    pixels[0, 0], pixels[0, 1], pixels[0, 2] = np.nan, np.inf, -np.inf
    pixels[1, 0] = (np.inf, 1.0, 0.5)
    image = HdrImage(pixels)
    write_hdr(tmp_path / f"a{suffix}", image)
    statistics = probe(tmp_path / f"a{suffix}").statistics
    assert (statistics.nan, statistics.infinite, statistics.negative) == (0, 0, 0)
    found = read_hdr(tmp_path / f"a{suffix}").pixels
    assert found[0, 1].min() > 60_000
    assert found[1, 0, 0] > 60_000
    np.testing.assert_array_equal(found[2:], 1.0)
    assert np.isnan(pixels[0, 0]).all()


def test_float_tiff_is_exact_and_opencv_agrees(tmp_path, hdr_image):
    cv2 = pytest.importorskip("cv2", reason="the independent reader")
    for compression in ("none", "zip"):
        path = tmp_path / f"{compression}.tif"
        write_hdr(path, hdr_image, options=WriteOptions(compression=compression))
        np.testing.assert_array_equal(read_hdr(path).pixels, hdr_image.pixels)
        seen = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(seen[..., ::-1], hdr_image.pixels)


def test_float_tiff_carries_the_capture(tmp_path, hdr_image):
    write_hdr(tmp_path / "a.tif", hdr_image)
    found = read_hdr(tmp_path / "a.tif")
    assert found.exposure == Exposure(seconds=1 / 250, iso=200, f_number=5.6)
    assert (found.metadata.make, found.metadata.model) == ("Maker", "Model 7")


@pytest.mark.parametrize("suffix", HDR_SUFFIXES)
def test_foreign_primaries_are_not_called_rec709(tmp_path, hdr_image, suffix):
    image = replace(hdr_image, colour_space="lin_ap1_scene")
    write_hdr(tmp_path / f"a{suffix}", image)
    found = read_hdr(tmp_path / f"a{suffix}").colour_space
    assert found == ("unknown" if suffix.startswith(".tif") else "lin_ap1_scene")


@pytest.mark.parametrize("suffix", HDR_SUFFIXES)
def test_writing_is_reproducible(tmp_path, hdr_image, suffix):
    one, two = (write_hdr(tmp_path / f"{n}{suffix}", hdr_image).read_bytes() for n in "ab")
    assert one == two


def test_limits_of_the_formats():
    assert largest_value("a.exr") == 65504
    assert largest_value("a.EXR", WriteOptions(float32=True)) > 1e38
    assert largest_value("a.hdr") > 1e38
    assert largest_value("a.tif") > 1e38


def test_unknown_suffix(tmp_path, hdr_image):
    with pytest.raises(OutputError, match=r"suffix '\.jxr', expected .*\.exr or \.hdr"):
        write_hdr(tmp_path / "a.jxr", hdr_image)


def test_unknown_compression():
    with pytest.raises(UsageError, match="compression 'dwaa', expected one of none"):
        WriteOptions(compression="dwaa")


def test_existing_file(tmp_path, hdr_image):
    path = tmp_path / "a.exr"
    path.write_bytes(b"precious")
    with pytest.raises(OutputExistsError):
        write_hdr(path, hdr_image)
    assert path.read_bytes() == b"precious"
    write_hdr(path, hdr_image, overwrite=True)
    assert read_hdr(path).size == hdr_image.size


def test_reading_what_is_no_radiance(tmp_path, picture):
    from PIL import Image

    Image.fromarray(picture(20, 30)).save(tmp_path / "a.jpg")
    Image.fromarray(picture(20, 30)).save(tmp_path / "a.tif")
    with pytest.raises(UnsupportedFormatError, match="is a photograph"):
        read_hdr(tmp_path / "a.jpg")
    with pytest.raises(UnsupportedFormatError, match="expected floating-point RGB"):
        read_hdr(tmp_path / "a.tif")
    with pytest.raises(InputError, match="no such file"):
        read_hdr(tmp_path / "b.exr")
