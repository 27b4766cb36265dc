"""Previews, read back by Pillow, OpenCV and piexif."""

from __future__ import annotations

import numpy as np
import piexif
import pytest
from PIL import Image

from ahdr_cli._version import __version__
from ahdr_cli.errors import OutputError, OutputExistsError
from ahdr_cli.images import CaptureMetadata, Exposure, HdrImage
from ahdr_cli.io import probe, read_frame, write_preview


def test_png_is_lossless(tmp_path, picture, hdr_image):
    path = write_preview(tmp_path / "a.png", picture(37, 53), image=hdr_image)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), picture(37, 53))


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".JPG"])
def test_jpeg_is_close(tmp_path, picture, hdr_image, suffix):
    path = write_preview(tmp_path / f"a{suffix}", picture(37, 53), image=hdr_image)
    found = np.asarray(Image.open(path)).astype(int)
    assert np.abs(found - picture(37, 53)).mean() < 2


def test_opencv_reads_the_jpeg(tmp_path, picture, hdr_image):
    cv2 = pytest.importorskip("cv2", reason="the independent reader")
    path = write_preview(tmp_path / "a.jpg", picture(37, 53), image=hdr_image)
    found = cv2.imread(str(path))[..., ::-1].astype(int)
    assert np.abs(found - picture(37, 53)).mean() < 2


def test_quality_tells(tmp_path, picture, hdr_image):
    sizes = [
        write_preview(tmp_path / f"{q}.jpg", picture(80, 90), image=hdr_image, quality=q)
        .stat()
        .st_size
        for q in (40, 95)
    ]
    assert sizes[0] < sizes[1]


def test_jpeg_carries_the_capture(tmp_path, picture, hdr_image):
    path = write_preview(tmp_path / "a.jpg", picture(37, 53), image=hdr_image)
    tags = piexif.load(str(path))
    assert tags["0th"][piexif.ImageIFD.Orientation] == 1
    assert tags["0th"][piexif.ImageIFD.Make] == b"Maker"
    assert tags["0th"][piexif.ImageIFD.Software].startswith(b"ahdr ")
    assert tags["Exif"][piexif.ExifIFD.ExposureTime] == (1, 250)
    assert tags["Exif"][piexif.ExifIFD.FNumber] == (28, 5)
    assert tags["Exif"][piexif.ExifIFD.ISOSpeedRatings] == 200
    assert tags["Exif"][piexif.ExifIFD.ExposureBiasValue] == (-1, 2)
    assert tags["Exif"][piexif.ExifIFD.DateTimeOriginal] == b"2024:05:01 12:30:00"
    assert tags["Exif"][piexif.ExifIFD.SubSecTimeOriginal] == b"25"
    assert b"12345" not in path.read_bytes()
    assert tags["thumbnail"] is None


def test_our_reader_finds_the_exposure_again(tmp_path, picture, hdr_image):
    path = write_preview(tmp_path / "a.jpg", picture(37, 53), image=hdr_image)
    assert read_frame(path).exposure == hdr_image.exposure
    found = probe(path).metadata
    assert (found.lens, found.focal_length) == ("50mm F1.4", 50.0)
    assert found.captured_at == "2024-05-01T12:30:00.25"


@pytest.mark.parametrize(
    ("exposure", "metadata"),
    [
        (None, CaptureMetadata()),
        (Exposure(seconds=1e-30), CaptureMetadata(make="日本", captured_at="not a moment")),
        (Exposure(seconds=1e30, iso=1e30, f_number=1e-30, bias=1e300), CaptureMetadata()),
        (Exposure(seconds=30, iso=0.1, bias=0.0), CaptureMetadata(focal_length=-1.0)),
    ],
)
def test_odd_captures_do_no_harm(tmp_path, picture, exposure, metadata):
    image = HdrImage(np.ones((20, 30, 3), np.float32), exposure=exposure, metadata=metadata)
    assert read_frame(write_preview(tmp_path / "a.jpg", picture(20, 30), image=image)).size == (
        20,
        30,
    )


def test_iso_beyond_16_bits(tmp_path, picture):
    image = HdrImage(np.ones((20, 30, 3), np.float32), exposure=Exposure(seconds=0.01, iso=102400))
    path = write_preview(tmp_path / "a.jpg", picture(20, 30), image=image)
    assert read_frame(path).exposure.iso == 102400


def test_unknown_suffix_and_existing_file(tmp_path, picture, hdr_image):
    with pytest.raises(OutputError, match=r"suffix '\.webp'"):
        write_preview(tmp_path / "a.webp", picture(20, 30), image=hdr_image)
    path = write_preview(tmp_path / "a.png", picture(20, 30), image=hdr_image)
    with pytest.raises(OutputExistsError):
        write_preview(path, picture(20, 30), image=hdr_image)
    write_preview(path, picture(22, 30), image=hdr_image, overwrite=True)
    assert Image.open(path).size == (30, 22)


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 4)])
def test_only_8_bit_rgb(tmp_path, hdr_image, shape):
    with pytest.raises(ValueError, match=r"must be \(H, W, 3\) uint8"):
        write_preview(tmp_path / "a.png", np.zeros(shape, np.uint8), image=hdr_image)
    with pytest.raises(ValueError, match="float32"):
        write_preview(tmp_path / "a.png", np.zeros((20, 30, 3), np.float32), image=hdr_image)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_picture_names_the_program_that_made_it(tmp_path, suffix):
    path = write_preview(
        tmp_path / f"a{suffix}",
        np.zeros((16, 16, 3), np.uint8),
        image=HdrImage(np.zeros((16, 16, 3), np.float32)),
    )
    assert probe(path).metadata.software == f"ahdr {__version__}"
    if suffix == ".png":
        with Image.open(path) as picture:
            assert picture.info["Software"] == f"ahdr {__version__}"
