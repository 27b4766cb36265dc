"""RAW through LibRaw, on small DNG files made here."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
import tifffile

from ahdr_cli.errors import (
    AhdrError,
    ImageTooLargeError,
    MissingDependencyError,
    UnsupportedFormatError,
)
from ahdr_cli.io import probe, read_frame, read_frames
from ahdr_cli.io.orientation import turned
from ahdr_cli.radiometry.transfer import gamma_decode

WHITE = 4095


def write_dng(path, mosaic, *, orientation=1, neutral=(1.0, 1.0, 1.0)):
    """A DNG 1.4 with an RGGB mosaic and 1/250 s, ISO 200, f/2.8 in its first directory."""
    identity = tuple(n for row in np.eye(3, dtype=int) for v in row for n in (int(v), 1))
    # Of AsShotNeutral, 50728: what a grey of the scene gives in each channel.
    tags = [
        (50706, "B", 4, (1, 4, 0, 0), True),  # DNGVersion
        (50708, "s", 0, "ahdr test camera", True),  # UniqueCameraModel
        (33421, "H", 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, "B", 4, (0, 1, 1, 2), True),  # CFAPattern
        (50714, "I", 1, 0, True),  # BlackLevel
        (50717, "I", 1, WHITE, True),  # WhiteLevel
        (50721, "2i", 9, identity, True),  # ColorMatrix1
        (50778, "H", 1, 21, True),  # CalibrationIlluminant1: D65
        (50728, "2I", 3, tuple(n for v in neutral for n in (round(v * 1000), 1000)), True),
        (274, "H", 1, orientation, True),
        (33434, "2I", 1, (1, 250), True),
        (33437, "2I", 1, (28, 10), True),
        (34855, "H", 1, 200, True),
    ]
    tifffile.imwrite(path, mosaic, photometric="cfa", extratags=tags, metadata=None)


def mosaic(level, height=64, width=80):
    """A flat grey mosaic, brighter to the left."""
    ramp = np.linspace(1.0, 0.5, width)
    return np.tile(np.rint(level * ramp), (height, 1)).astype(np.uint16)


@pytest.fixture(autouse=True)
def _rawpy():
    pytest.importorskip("rawpy", reason="needs the extra `raw`")


def test_exposure_and_metadata(tmp_path):
    write_dng(tmp_path / "a.dng", mosaic(1000))
    frame = read_frame(tmp_path / "a.dng")
    assert frame.size == (64, 80)
    assert frame.exposure.seconds == pytest.approx(1 / 250)
    assert (frame.exposure.iso, frame.exposure.f_number) == (200, 2.8)
    assert (frame.metadata.file_format, frame.metadata.bit_depth) == ("RAW", 12)


def test_decoding_gamma_gives_linear_light(tmp_path):
    """Half the light comes out as half: no brightness, no tone curve of LibRaw's own."""
    linear = {}
    for level in (400, 800, 1600):
        write_dng(tmp_path / f"{level}.dng", mosaic(level))
        linear[level] = gamma_decode(read_frame(tmp_path / f"{level}.dng").pixels)
    inside = (slice(8, -8), slice(8, -8))
    np.testing.assert_allclose(linear[800][inside] / linear[400][inside], 2, rtol=0.02)
    np.testing.assert_allclose(linear[1600][inside] / linear[400][inside], 4, rtol=0.02)
    # Green takes no part in the white balance of a flat neutral; it is level / white.
    middle = linear[1600][32, 8:-8]
    np.testing.assert_allclose(
        middle[:, 1] / middle[0, 1], mosaic(1600)[32, 8:-8] / mosaic(1600)[32, 8], rtol=0.02
    )


def test_the_white_level_is_the_sensors_not_the_brightest_pixel(tmp_path):
    write_dng(tmp_path / "a.dng", mosaic(0.8 * WHITE))
    write_dng(tmp_path / "b.dng", mosaic(0.2 * WHITE))
    a, b = (gamma_decode(read_frame(tmp_path / n).pixels[32, 16:-16]) for n in ("a.dng", "b.dng"))
    unclipped = a.max(axis=1) < 0.99
    assert unclipped.any()
    np.testing.assert_allclose(a[unclipped] / b[unclipped], 4, rtol=0.03)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(tmp_path, orientation):
    write_dng(tmp_path / "up.dng", mosaic(1500))
    write_dng(tmp_path / "a.dng", mosaic(1500), orientation=orientation)
    upright, frame = read_frame(tmp_path / "up.dng"), read_frame(tmp_path / "a.dng")
    np.testing.assert_array_equal(frame.pixels, turned(upright.pixels, orientation))
    assert frame.metadata.orientation == orientation
    info = probe(tmp_path / "a.dng")
    assert (info.height, info.width) == frame.size


def test_too_large(tmp_path):
    write_dng(tmp_path / "a.dng", mosaic(1000))
    with pytest.raises(ImageTooLargeError, match="80x64"):
        read_frame(tmp_path / "a.dng", max_pixels=5000)


@pytest.mark.parametrize("reader", [read_frame, probe])
def test_without_rawpy(tmp_path, monkeypatch, reader):
    write_dng(tmp_path / "a.dng", mosaic(1000))
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(MissingDependencyError) as caught:
        reader(tmp_path / "a.dng")
    assert caught.value.hint == "pip install 'ahdr[raw]'"
    assert caught.value.path == tmp_path / "a.dng"


def test_unknown_raw(tmp_path):
    (tmp_path / "a.raf").write_bytes(b"FUJIFILMCCD-RAW 0201" + bytes(4000))
    with pytest.raises(UnsupportedFormatError, match="LibRaw"):
        read_frame(tmp_path / "a.raf")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_truncated(tmp_path, share):
    write_dng(tmp_path / "a.dng", mosaic(1000))
    data = (tmp_path / "a.dng").read_bytes()
    (tmp_path / "b.dng").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(AhdrError):
        read_frame(tmp_path / "b.dng")


def test_the_cameras_white_balance_is_used(tmp_path):
    """A grey that the sensor saw as (½, 1, ¾) comes out grey."""
    neutral = (0.5, 1.0, 0.75)
    levels = mosaic(1600).astype(float)
    levels[::2, ::2] *= neutral[0]
    levels[1::2, 1::2] *= neutral[2]
    write_dng(tmp_path / "a.dng", np.rint(levels).astype(np.uint16), neutral=neutral)
    middle = gamma_decode(read_frame(tmp_path / "a.dng").pixels[32, 16:-16])
    np.testing.assert_allclose(middle[:, 0] / middle[:, 1], 1, atol=0.02)
    np.testing.assert_allclose(middle[:, 2] / middle[:, 1], 1, atol=0.02)


def test_frames_of_a_bracket_share_one_white_balance(tmp_path):
    """An automatic one changes from frame to frame, and what stood still would seem to differ."""
    for name, neutral in (("a.dng", (0.5, 1, 0.7)), ("b.dng", (0.45, 1, 0.8))):
        write_dng(tmp_path / name, mosaic(1600), neutral=neutral)
    paths = [tmp_path / "a.dng", tmp_path / "b.dng"]
    alone = [read_frame(path).pixels for path in paths]
    assert np.abs(alone[0] - alone[1]).max() > 0.02
    first, second = (frame.pixels for frame in read_frames(paths))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, alone[0], atol=1e-3)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are text")
def test_names_that_are_no_text(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.dng")
    write_dng(path, mosaic(1000))
    assert read_frame(path).pixels.shape == (64, 80, 3)
    assert probe(path).width == 80
