"""Exposure and capture data from EXIF, with everything that cameras and vandals write."""

from __future__ import annotations

import io
import struct
import tracemalloc

import numpy as np
import piexif
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ahdr_cli.io.exif import (
    ExifTags,
    capture_metadata,
    exif_moment,
    exposure_from,
    iso_moment,
    rational,
    read_tags,
)

Exif = piexif.ExifIFD


def exposure(exif_bytes, **tags):
    return exposure_from(read_tags(exif_bytes({}, {getattr(Exif, k): v for k, v in tags.items()})))


def test_exposure_time_iso_and_aperture(exif_bytes):
    found = exposure(
        exif_bytes,
        ExposureTime=(2491188, 1000000000),
        ISOSpeedRatings=125,
        FNumber=(63, 10),
        ExposureBiasValue=(-2, 3),
    )
    assert found.seconds == pytest.approx(0.002491188)
    assert (found.iso, found.f_number) == (125.0, 6.3)
    assert found.bias == pytest.approx(-2 / 3)


def test_apex_values_stand_in(exif_bytes):
    found = exposure(exif_bytes, ShutterSpeedValue=(8, 1), ApertureValue=(5, 1))
    assert found.seconds == pytest.approx(1 / 256)
    assert found.f_number == pytest.approx(2**2.5)


def test_apex_is_ignored_where_the_plain_value_is_there(exif_bytes):
    found = exposure(exif_bytes, ExposureTime=(1, 250), ShutterSpeedValue=(1, 1))
    assert found.seconds == pytest.approx(1 / 250)


@pytest.mark.parametrize("broken", [(1, 0), (0, 0), (0, 1)])
def test_useless_rationals_are_absent(exif_bytes, broken):
    assert exposure(exif_bytes, ExposureTime=broken) is None
    found = exposure(exif_bytes, ExposureTime=(1, 60), FNumber=broken, ExposureBiasValue=(1, 0))
    assert (found.f_number, found.bias) == (None, None)


def test_useless_exposure_time_falls_back_to_apex(exif_bytes):
    found = exposure(exif_bytes, ExposureTime=(1, 0), ShutterSpeedValue=(6, 1))
    assert found.seconds == pytest.approx(1 / 64)


@pytest.mark.parametrize("apex", [(2**31 - 1, 1), (-(2**31), 1), (1, 0)])
def test_absurd_apex_is_absent(exif_bytes, apex):
    assert exposure(exif_bytes, ShutterSpeedValue=apex) is None


def test_iso_without_shutter_time_is_no_exposure(exif_bytes):
    assert exposure(exif_bytes, ISOSpeedRatings=100) is None


@pytest.mark.parametrize(
    ("tags", "iso"),
    [
        ({"ISOSpeedRatings": 0}, None),
        ({"ISOSpeedRatings": 65535, "RecommendedExposureIndex": 102400}, 102400),
        ({"ISOSpeedRatings": 65535}, 65535),
        ({"RecommendedExposureIndex": 400}, 400),
    ],
)
def test_iso_beyond_16_bits(exif_bytes, tags, iso):
    assert exposure(exif_bytes, ExposureTime=(1, 60), **tags).iso == iso


@pytest.mark.parametrize("value", [(200, 0), [200], (0, 200), 200])
def test_iso_may_be_a_list(value):
    assert exposure_from(ExifTags({}, {33434: 0.5, 34855: value})).iso == 200


@pytest.mark.parametrize("value", ["1/0", b"\0\1", (), None, float("nan"), float("inf"), True, {}])
def test_values_of_the_wrong_type_are_absent(value):
    assert exposure_from(ExifTags({}, {33434: value})) is None


@pytest.mark.parametrize("place", ["primary", "exif"])
def test_tags_are_found_in_either_directory(place):
    assert exposure_from(ExifTags(**{place: {33434: 0.25}})).seconds == 0.25


def test_tiff_with_tags_in_the_first_directory():
    stream = io.BytesIO()
    extra = [(33434, "2I", 1, (1, 30), True), (34855, "H", 1, 800, True)]
    tifffile.imwrite(stream, np.zeros((16, 16), np.uint8), extratags=extra)
    stream.seek(0)
    found = exposure_from(read_tags(stream))
    assert found.seconds == pytest.approx(1 / 30)
    assert found.iso == 800


def test_tiff_with_an_exif_directory(exif_bytes):
    stream = io.BytesIO()
    block = exif_bytes({}, {Exif.ExposureTime: (1, 30)})
    Image.new("RGB", (16, 16)).save(stream, "TIFF", exif=block)
    stream.seek(0)
    assert exposure_from(read_tags(stream)).seconds == pytest.approx(1 / 30)


def test_capture_metadata(exif_bytes):
    tags = read_tags(
        exif_bytes(
            {271: b"Maker \0", 272: b" Model\x1b[31m 7 ", 274: 6},
            {
                Exif.DateTimeOriginal: b"2024:05:01 12:30:00",
                Exif.SubSecTimeOriginal: b"25",
                Exif.FocalLength: (50, 1),
                Exif.LensModel: b"50mm F1.4",
                Exif.ExposureMode: 2,
                Exif.BodySerialNumber: b"0042",
            },
        )
    )
    found = capture_metadata(tags, file_format="JPEG", bit_depth=8)
    assert (found.make, found.model, found.lens) == ("Maker", "Model[31m 7", "50mm F1.4")
    assert found.captured_at == "2024-05-01T12:30:00.25"
    assert (found.focal_length, found.orientation, found.serial) == (50.0, 6, "0042")
    assert found.bracketed is True
    assert (found.file_format, found.bit_depth) == ("JPEG", 8)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_undefined_orientation_is_upright(exif_bytes, orientation):
    tags = read_tags(exif_bytes({274: orientation}))
    assert capture_metadata(tags, file_format="JPEG").orientation == 1


@pytest.mark.parametrize(
    "text", ["", "0000:00:00 00:00:00", "    :  :     :  :  ", "2024-05-01", None]
)
def test_what_is_no_moment_is_absent(text):
    assert iso_moment(text) is None


@given(st.datetimes())
def test_moments_survive_the_round_trip(moment):
    text = moment.replace(microsecond=0).isoformat()
    assert iso_moment(exif_moment(text)) == text


@pytest.mark.parametrize(
    "block", [b"", b"Exif\0\0", b"II*\0", b"garbage" * 9, b"MM\0*\0\0\0\x08\xff\xff"]
)
def test_broken_blocks_are_empty(block):
    assert read_tags(block) == ExifTags()


def test_absent_block_is_empty():
    assert read_tags(None) == ExifTags()


@given(st.data())
def test_corruption_never_raises(data):
    block = bytearray(
        piexif.dump({"0th": {271: b"Maker"}, "Exif": {Exif.ExposureTime: (1, 60), 34855: 100}})
    )
    places = data.draw(st.lists(st.integers(6, len(block) - 1), min_size=1, max_size=8))
    for place in places:
        block[place] = data.draw(st.integers(0, 255))
    tags = read_tags(bytes(block))
    exposure_from(tags)
    capture_metadata(tags, file_format="JPEG")


def test_overlapping_tags_do_not_multiply_in_memory():
    # 5000 tags that each claim the same 60 kB: 300 MB if all were copied.
    entries = b"".join(struct.pack("<HHII", 0x9000 + n, 7, 60_000, 8) for n in range(5000))
    block = b"II*\0" + struct.pack("<IH", 8, 5000) + entries + bytes(4)
    block += bytes(65_000 - len(block))
    tracemalloc.start()
    try:
        read_tags(block)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32e6


@given(st.floats(1e-7, 1e5))
def test_rationals_fit_and_are_close(value):
    numerator, denominator = rational(value)
    assert 0 < numerator < 2**32
    assert 0 < denominator < 2**32
    assert numerator / denominator == pytest.approx(value, rel=1e-4)


def test_rationals_keep_the_camera_form():
    assert rational(1 / 250) == (1, 250)
    assert rational(5.6) == (28, 5)
    assert rational(30.0) == (30, 1)


@pytest.mark.parametrize("value", [None, 0.0, -1.0, float("inf"), 1e-20, 1e20])
def test_no_rational(value):
    assert rational(value) is None
