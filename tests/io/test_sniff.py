"""Files are known by their content."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from ahdr_cli.errors import UnsupportedFormatError
from ahdr_cli.io import read_frame, write_hdr
from ahdr_cli.io.sniff import FileKind, sniff

MOSAIC = np.zeros((32, 40), np.uint16)
PATTERN = [(33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True)]


@pytest.mark.parametrize(
    ("format_name", "kind"),
    [("JPEG", FileKind.JPEG), ("PNG", FileKind.PNG), ("TIFF", FileKind.TIFF)],
)
def test_photographs(tmp_path, picture, format_name, kind):
    Image.fromarray(picture(20, 30)).save(tmp_path / "a.exr", format_name)
    assert sniff(tmp_path / "a.exr") is kind


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".hdr", FileKind.RADIANCE), (".exr", FileKind.EXR), (".tif", FileKind.TIFF)],
)
def test_radiance(tmp_path, hdr_image, suffix, kind):
    written = write_hdr(tmp_path / f"a{suffix}", hdr_image)
    assert sniff(written.rename(tmp_path / "a.jpg")) is kind


@pytest.mark.parametrize(
    "head",
    [
        b"FUJIFILMCCD-RAW 0201FF",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x08\0\0\0",
        b"\0\0\0\x18ftypcrx \0\0\0\x01",
        b"II*\0\x10\0\0\0CR\x02\0",
    ],
)
def test_raw_by_signature(tmp_path, head):
    (tmp_path / "a.jpg").write_bytes(head + bytes(64))
    assert sniff(tmp_path / "a.jpg") is FileKind.RAW


def test_sensor_data_in_a_tiff_is_raw_under_any_suffix(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", MOSAIC, photometric="cfa", extratags=PATTERN)
    assert sniff(tmp_path / "a.tif") is FileKind.RAW


def write_below_a_thumbnail(path, pixels, **options):
    """The layout of NEF and ARW: a small RGB picture, the full one in a SubIFD."""
    with tifffile.TiffWriter(path) as writer:
        small = np.zeros((16, 20, 3), np.uint8)
        writer.write(small, photometric="rgb", subifds=1, subfiletype=1, metadata=None)
        writer.write(pixels, metadata=None, **options)


def test_sensor_data_below_a_thumbnail_is_raw(tmp_path):
    write_below_a_thumbnail(tmp_path / "a.tif", MOSAIC, photometric="cfa", extratags=PATTERN)
    assert sniff(tmp_path / "a.tif") is FileKind.RAW


def test_a_finished_picture_below_a_thumbnail_is_read(tmp_path, picture):
    """As film scanners write it, under the suffix of a RAW format."""
    expected = picture(40, 50)
    write_below_a_thumbnail(tmp_path / "a.nef", expected, photometric="rgb")
    assert sniff(tmp_path / "a.nef") is FileKind.TIFF
    np.testing.assert_allclose(read_frame(tmp_path / "a.nef").pixels, expected / 255, atol=1e-6)


def test_the_suffix_decides_between_tiff_and_raw_that_looks_like_it(tmp_path):
    for suffix, kind in ((".dcr", FileKind.RAW), (".tif", FileKind.TIFF)):
        tifffile.imwrite(tmp_path / f"a{suffix}", MOSAIC)
        assert sniff(tmp_path / f"a{suffix}") is kind


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypavif", "AVIF"),
        (b"\0\0\0\x18ftypisom", "video"),
        (b"\0\0\0\x20ftypmp42", "video"),
        (b"\0\0\0\x14ftypqt  ", "video"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"\x1aE\xdf\xa3\x93B\x82\x88matroska", "video"),
        (b"\0\0\0\x18ftypmsf1", "HEIF or video"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"\xff\x0a\0", "JPEG XL"),
    ],
)
def test_others_are_named(tmp_path, head, name):
    (tmp_path / "a.jpg").write_bytes(head + bytes(64))
    with pytest.raises(UnsupportedFormatError, match=f"is an? {name} file"):
        sniff(tmp_path / "a.jpg")


def test_the_way_out_of_a_video_is_no_conversion(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x20ftypmp42" + bytes(64))
    with pytest.raises(UnsupportedFormatError, match="is a video file") as caught:
        read_frame(tmp_path / "a.mp4")
    assert caught.value.hint.startswith("save those frames as PNG")
