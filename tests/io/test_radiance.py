"""Radiance files, read back by OpenCV and imagecodecs, and written by hand."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ahdr_cli.errors import ImageTooLargeError, UnreadableImageError, UnsupportedFormatError
from ahdr_cli.images import CaptureMetadata, HdrImage
from ahdr_cli.io import probe, read_hdr, write_hdr
from ahdr_cli.io.radiance import RGBE_LARGEST, _encoded, _rounded

HALF_STEP = 1 / 255
"""Half of the largest step, relative to the pixel's brightest channel.

Mantissas of the brightest run from 128 to 255.5, where the next exponent takes over.
"""


def relative_error(found, expected):
    """Error of each value, relative to the brightest channel of its pixel."""
    return np.abs(found - expected) / expected.max(axis=-1, keepdims=True)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (3, 8), (37, 53), (65, 127), (2, 129), (130, 9)])
def test_opencv_reads_what_we_write(tmp_path, make_radiance, size):
    cv2 = pytest.importorskip("cv2", reason="the independent reader")
    expected = make_radiance(*size, stops=30)
    write_hdr(tmp_path / "a.hdr", HdrImage(expected))
    found = cv2.imread(str(tmp_path / "a.hdr"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert relative_error(found, expected).max() <= HALF_STEP
    np.testing.assert_array_equal(found, read_hdr(tmp_path / "a.hdr").pixels)


def test_imagecodecs_reads_the_whole_file(tmp_path, make_radiance):
    expected = make_radiance(40, 200)
    write_hdr(tmp_path / "a.hdr", HdrImage(expected))
    found = imagecodecs.rgbe_decode((tmp_path / "a.hdr").read_bytes())
    assert relative_error(found, expected).max() <= HALF_STEP


def test_rounding_is_not_biased(make_radiance):
    values = make_radiance(64, 64)
    peak = values.max(axis=-1, keepdims=True)
    assert abs(((_rounded(values) - values) / peak).mean()) < 2e-4


def test_what_is_rounded_is_encoded_exactly(make_radiance):
    rounded = _rounded(make_radiance(16, 40, stops=60))
    back = np.empty_like(rounded)
    imagecodecs.rgbe_decode(_encoded(rounded), header=False, rle=True, out=back)
    np.testing.assert_array_equal(back, rounded)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 300),
    st.sampled_from([0.0, 1.0, 12.0, 60.0, 200.0]),
    st.integers(0, 2**32 - 1),
)
def test_any_size_and_range_survives(height, width, stops, seed):
    rng = np.random.default_rng(seed)
    values = np.exp2(rng.uniform(-stops / 2, stops / 2, (height, width, 3))).astype(np.float32)
    values[rng.random((height, width)) < 0.2] = 0.0
    back = np.empty_like(values)
    imagecodecs.rgbe_decode(_encoded(values), header=False, rle=True, out=back)
    peak = values.max(axis=-1, keepdims=True)
    assert (np.abs(back - values) <= peak * HALF_STEP + 1e-32).all()


def test_runs_are_compressed(tmp_path):
    write_hdr(tmp_path / "a.hdr", HdrImage(np.ones((64, 1000, 3), np.float32)))
    assert (tmp_path / "a.hdr").stat().st_size < 64 * 1000 // 8


def test_the_largest_value(tmp_path):
    write_hdr(tmp_path / "a.hdr", HdrImage(np.full((2, 9, 3), np.inf, np.float32)))
    assert read_hdr(tmp_path / "a.hdr").pixels.max() == np.float32(RGBE_LARGEST)


def test_header(tmp_path, hdr_image):
    write_hdr(tmp_path / "a.hdr", hdr_image)
    text = (tmp_path / "a.hdr").read_bytes().partition(b"\n\n")[0].decode("ascii")
    lines = text.split("\n")
    assert lines[0] == "#?RADIANCE"
    assert "# reference exposure: 0.004 s, ISO 200, f/5.6" in lines
    assert "EXPOSURE=1" in lines
    assert "FORMAT=32-bit_rle_rgbe" in lines
    assert any(line.startswith("PRIMARIES=0.6400 0.3300 0.3000 0.6000") for line in lines)
    assert any(line.startswith("SOFTWARE=ahdr ") for line in lines)
    assert "12345" not in text
    found = read_hdr(tmp_path / "a.hdr")
    assert found.colour_space == "lin_rec709_scene"
    assert found.metadata.captured_at == "2024-05-01T12:30:00"


def test_names_cannot_break_the_header(tmp_path, make_radiance):
    metadata = CaptureMetadata(make="A\n\n-Y 1 +X 1\n", model="日本")
    write_hdr(tmp_path / "a.hdr", HdrImage(make_radiance(4, 9), metadata=metadata))
    assert read_hdr(tmp_path / "a.hdr").size == (4, 9)


def written_by_hand(path, *, fields="FORMAT=32-bit_rle_rgbe", axes="-Y 2 +X 3"):
    """2×3 flat pixels with the values 1 to 6 in red, 0.5 in green, 0 in blue."""
    pixels = np.zeros((6, 4), np.uint8)
    pixels[:, 0], pixels[:, 1], pixels[:, 3] = np.arange(1, 7) * 16, 8, 132
    path.write_bytes(f"#?RADIANCE\n{fields}\n\n{axes}\n".encode() + pixels.tobytes())


@pytest.mark.parametrize(
    ("axes", "red"),
    [
        ("-Y 2 +X 3", [[1, 2, 3], [4, 5, 6]]),
        ("+Y 2 +X 3", [[4, 5, 6], [1, 2, 3]]),
        ("-Y 2 -X 3", [[3, 2, 1], [6, 5, 4]]),
        ("+Y 2 -X 3", [[6, 5, 4], [3, 2, 1]]),
        ("+X 2 -Y 3", [[1, 4], [2, 5], [3, 6]]),
        ("-X 2 -Y 3", [[4, 1], [5, 2], [6, 3]]),
        ("+X 2 +Y 3", [[3, 6], [2, 5], [1, 4]]),
        ("-X 2 +Y 3", [[6, 3], [5, 2], [4, 1]]),
    ],
)
def test_all_eight_resolution_lines(tmp_path, axes, red):
    written_by_hand(tmp_path / "a.hdr", axes=axes)
    pixels = read_hdr(tmp_path / "a.hdr").pixels
    np.testing.assert_array_equal(pixels[..., 0], red)
    assert (pixels[..., 1] == 0.5).all()
    assert (pixels[..., 2] == 0).all()


def test_exposure_is_reported_but_does_not_scale(tmp_path):
    written_by_hand(tmp_path / "a.hdr", fields="EXPOSURE=4\nFORMAT=32-bit_rle_rgbe")
    assert read_hdr(tmp_path / "a.hdr").pixels.max() == 6
    assert probe(tmp_path / "a.hdr").attributes["EXPOSURE"] == "4"


@pytest.mark.parametrize(
    ("primaries", "space"),
    [
        ("0.64 0.33 0.30 0.60 0.15 0.06 0.3127 0.3290", "lin_rec709_scene"),
        ("0.708 0.292 0.170 0.797 0.131 0.046 0.3127 0.3290", "unknown"),
        ("red green blue", "unknown"),
    ],
)
def test_primaries(tmp_path, primaries, space):
    written_by_hand(tmp_path / "a.hdr", fields=f"PRIMARIES={primaries}")
    assert read_hdr(tmp_path / "a.hdr").colour_space == space


@pytest.mark.parametrize("length", [3, 200, 70_000])
def test_runs_as_before_1991(tmp_path, length):
    """(1, 1, 1, n) repeats a pixel, several in a row are one number."""
    first, second = bytes((128, 8, 0, 132)), bytes((16, 8, 0, 132))
    count = length - 2
    runs = [bytes((1, 1, 1, count >> shift & 255)) for shift in (0, 8, 16) if count >> shift]
    scanline = first + b"".join(runs) + second
    path = tmp_path / "a.hdr"
    path.write_bytes(b"#?RADIANCE\n\n-Y 16 +X %d\n" % length + 16 * scanline)
    found = read_hdr(path).pixels
    assert found.shape == (16, length, 3)
    np.testing.assert_array_equal(found[:, :-1, 0], 8)
    np.testing.assert_array_equal(found[:, -1], [[1, 0.5, 0]] * 16)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(UnreadableImageError, match="truncated"):
        read_hdr(path)


@pytest.mark.parametrize("data", [b"", b"\1\1\1\1" * 7, b"\1\1\1\xff" * 12, b"\2\2\0\x10"])
def test_pixels_that_are_none(tmp_path, data):
    (tmp_path / "a.hdr").write_bytes(b"#?RADIANCE\n\n-Y 4 +X 16\n" + data)
    with pytest.raises(UnreadableImageError, match="truncated"):
        read_hdr(tmp_path / "a.hdr")


def test_xyze_is_refused(tmp_path):
    written_by_hand(tmp_path / "a.hdr", fields="FORMAT=32-bit_rle_xyze")
    with pytest.raises(UnsupportedFormatError, match="xyze") as caught:
        read_hdr(tmp_path / "a.hdr")
    assert "ra_xyze" in caught.value.hint


@pytest.mark.parametrize(
    "axes", ["", "-Y 2", "-Y 2 +Y 3", "-Y two +X 3", "-Y 2 +X 3 junk", "-Y -2 +X 3"]
)
def test_header_without_resolution(tmp_path, axes):
    written_by_hand(tmp_path / "a.hdr", axes=axes)
    with pytest.raises(UnreadableImageError, match="no resolution"):
        read_hdr(tmp_path / "a.hdr")


@pytest.mark.parametrize("axes", ["-Y 100000 +X 100000", "-Y 999999999 +X 999999999"])
def test_a_small_header_cannot_claim_a_huge_picture(tmp_path, axes):
    written_by_hand(tmp_path / "a.hdr", axes=axes)
    with pytest.raises(ImageTooLargeError):
        read_hdr(tmp_path / "a.hdr")


def test_a_claim_within_the_limit_must_be_backed_by_bytes(tmp_path):
    written_by_hand(tmp_path / "a.hdr", axes="-Y 10000 +X 10000")
    with pytest.raises(UnreadableImageError, match="24 bytes of pixels, expected at least"):
        read_hdr(tmp_path / "a.hdr")


def test_zero_pixels(tmp_path):
    written_by_hand(tmp_path / "a.hdr", axes="-Y 0 +X 3")
    with pytest.raises(UnreadableImageError, match="3x0"):
        read_hdr(tmp_path / "a.hdr")
