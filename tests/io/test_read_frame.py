"""`read_frame` on every kind of photograph, against Pillow, tifffile and the pictures written."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

from ahdr_cli.errors import (
    ImageTooLargeError,
    InputError,
    UnreadableImageError,
    UnsupportedFormatError,
)
from ahdr_cli.images import Exposure
from ahdr_cli.io import probe, read_frame, write_hdr
from ahdr_cli.io.orientation import turned

EXACT_16 = 1e-7  # one float32 rounding below 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(16, 16), (17, 31), (64, 33)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_lossless_pictures_keep_every_bit(tmp_path, picture, dtype, size, suffix):
    pixels = picture(*size, dtype=dtype)
    path = tmp_path / f"a{suffix}"
    if suffix == ".png":
        path.write_bytes(imagecodecs.png_encode(pixels))
    else:
        tifffile.imwrite(path, pixels, photometric="rgb")
    frame = read_frame(path)
    assert frame.pixels.dtype == np.float32
    assert frame.pixels.flags.c_contiguous
    np.testing.assert_allclose(frame.pixels, pixels / np.iinfo(dtype).max, atol=EXACT_16)
    assert frame.metadata.bit_depth == np.iinfo(dtype).bits
    assert (frame.exposure, frame.path) == (None, path)


def test_jpeg_agrees_with_pillow(tmp_path, picture):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(40, 56)).save(path, quality=95)
    expected = np.asarray(Image.open(path)) / 255
    np.testing.assert_allclose(read_frame(path).pixels, expected, atol=EXACT_16)


def test_progressive_jpeg(tmp_path, picture):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(40, 56)).save(path, quality=95, progressive=True)
    np.testing.assert_allclose(read_frame(path).pixels, picture(40, 56) / 255, atol=0.1)


def test_a_jpeg_of_several_pictures_is_its_first(tmp_path, picture):
    """MPO, as phones and stereo cameras write it under .jpg."""
    first, second = (Image.fromarray(picture(*size)) for size in ((40, 56), (20, 28)))
    path = tmp_path / "a.jpg"
    first.save(path, "MPO", save_all=True, append_images=[second], quality=95)
    frame = read_frame(path)
    assert (frame.size, frame.metadata.file_format) == ((40, 56), "JPEG")
    np.testing.assert_allclose(frame.pixels, picture(40, 56) / 255, atol=0.1)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "lzw"},
        {"compression": "zlib", "predictor": True, "rowsperstrip": 4},
        {"compression": "packbits"},
        {"tile": (16, 16)},
        {"tile": (16, 32), "compression": "lzw", "predictor": True},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "compression": "zlib"},
        {"byteorder": ">"},
        {"bigtiff": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_layouts(tmp_path, picture, options, dtype):
    pixels = picture(37, 53, dtype=dtype)
    stored = np.moveaxis(pixels, -1, 0) if "planarconfig" in options else pixels
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", **options)
    frame = read_frame(tmp_path / "a.tif")
    np.testing.assert_allclose(frame.pixels, pixels / np.iinfo(dtype).max, atol=EXACT_16)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_grey_is_spread_and_alpha_dropped(tmp_path, picture, dtype, suffix):
    four = picture(20, 30, 4, dtype=dtype)
    for samples, expected in (
        (four[..., 0], four[..., [0, 0, 0]]),
        (four[..., :2], four[..., [0, 0, 0]]),
        (four, four[..., :3]),
    ):
        path = tmp_path / f"a{suffix}"
        if suffix == ".png":
            path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(samples)))
        else:
            rgb = samples.ndim == 3 and samples.shape[2] == 4
            extra = {} if samples.ndim == 2 else {"extrasamples": ["unassalpha"]}
            tifffile.imwrite(
                path,
                samples,
                photometric="rgb" if rgb else "minisblack",
                planarconfig="contig" if samples.ndim == 3 else None,
                **extra,
            )
        np.testing.assert_allclose(
            read_frame(path).pixels, expected / np.iinfo(dtype).max, atol=EXACT_16
        )


def test_white_is_zero_tiff(tmp_path, picture):
    grey = picture(20, 30, dtype=np.uint16)[..., 0]
    tifffile.imwrite(tmp_path / "a.tif", grey, photometric="miniswhite")
    pixels = read_frame(tmp_path / "a.tif").pixels
    np.testing.assert_allclose(pixels[..., 1], 1 - grey / 65535, atol=EXACT_16)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_palette(tmp_path, picture, suffix):
    path = tmp_path / f"a{suffix}"
    indexed = Image.fromarray(picture(20, 30)).quantize(60)
    indexed.save(path)
    expected = np.asarray(indexed.convert("RGB")) / 255
    np.testing.assert_allclose(read_frame(path).pixels, expected, atol=1e-6)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_png_below_8_bits(tmp_path, picture, bits):
    path = tmp_path / "a.png"
    indexed = Image.fromarray(picture(20, 30)).quantize(2**bits)
    indexed.save(path, bits=bits)
    expected = np.asarray(indexed.convert("RGB")) / 255
    frame = read_frame(path)
    np.testing.assert_allclose(frame.pixels, expected, atol=1e-6)
    assert frame.metadata.bit_depth == bits


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_by_the_plain_formula(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    inks = np.full((32, 32, 4), (51, 102, 0, 51), np.uint8)  # 20 %, 40 %, 0, 20 %
    Image.fromarray(inks, "CMYK").save(path)
    expected = (0.8 * 0.8, 0.6 * 0.8, 1.0 * 0.8)
    np.testing.assert_allclose(read_frame(path).pixels[9, 9], expected, atol=0.012)


@pytest.mark.parametrize(("bits", "lossless"), [(12, False), (16, True)])
def test_jpeg_of_more_than_8_bits_is_not_called_damaged(tmp_path, picture, bits, lossless):
    samples = picture(32, 40, dtype=np.uint16) >> (16 - bits)
    encoded = imagecodecs.jpeg8_encode(samples, bitspersample=bits, lossless=lossless)
    (tmp_path / "a.jpg").write_bytes(encoded)
    for read in (read_frame, probe):
        with pytest.raises(UnsupportedFormatError, match=f"JPEG file of {bits} bit") as caught:
            read(tmp_path / "a.jpg")
        assert "16-bit TIFF" in caught.value.hint


def test_cmyk_of_16_bits(tmp_path):
    inks = np.full((32, 32, 4), np.array([0.2, 0.4, 0, 0.2]) * 65535, np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", inks, photometric="separated")
    expected = (0.8 * 0.8, 0.6 * 0.8, 1.0 * 0.8)
    np.testing.assert_allclose(read_frame(tmp_path / "a.tif").pixels[9, 9], expected, atol=1e-4)


def test_interlaced_png_of_16_bits(tmp_path):
    """Adam7 by hand: no encoder here writes it."""
    pixels = np.random.default_rng(0).integers(0, 65536, (19, 21, 3), np.uint16)
    passes = [
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    ]
    rows = (row for y, x, dy, dx in passes for row in pixels[y::dy, x::dx])
    data = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows))

    def chunk(kind, body):
        checksum = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    header = struct.pack(">2I5B", 21, 19, 16, 2, 0, 0, 1)
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
    np.testing.assert_allclose(read_frame(tmp_path / "a.png").pixels, pixels / 65535, atol=EXACT_16)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_orientation_is_applied_once(tmp_path, picture, bracket_exif, suffix, orientation):
    path = tmp_path / f"a{suffix}"
    stored = Image.fromarray(picture(24, 40))
    stored.save(
        path, exif=bracket_exif(orientation), **({"quality": 98} if suffix == ".jpg" else {})
    )
    expected = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB")) / 255
    frame = read_frame(path)
    np.testing.assert_allclose(frame.pixels, expected, atol=EXACT_16)
    assert frame.metadata.orientation == orientation
    assert frame.exposure == Exposure(seconds=1 / 250, iso=200, f_number=5.6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_16_bit_tiff(tmp_path, picture, orientation):
    pixels = picture(24, 40, dtype=np.uint16)
    tifffile.imwrite(
        tmp_path / "a.tif",
        pixels,
        photometric="rgb",
        extratags=[(274, "H", 1, orientation, True)],
    )
    frame = read_frame(tmp_path / "a.tif")
    np.testing.assert_allclose(frame.pixels, turned(pixels, orientation) / 65535, atol=EXACT_16)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_agrees_with_pillow(orientation):
    numbers = np.arange(35, dtype=np.uint8).reshape(5, 7)
    picture = Image.fromarray(numbers)
    picture.getexif()[274] = orientation
    np.testing.assert_array_equal(
        turned(numbers, orientation), np.asarray(ImageOps.exif_transpose(picture))
    )


def test_exposure_of_the_caller_wins(tmp_path, picture, bracket_exif):
    path = tmp_path / "a.jpg"
    Image.fromarray(picture(24, 40)).save(path, exif=bracket_exif())
    given_exposure = Exposure(seconds=2.0)
    assert read_frame(path, exposure=given_exposure).exposure is given_exposure


def test_png_with_exif_as_a_raw_profile(tmp_path, picture, bracket_exif):
    block = bracket_exif()
    for compressed in (False, True):
        info = PngInfo()
        text = f"\nexif\n{len(block):8d}\n" + block.hex() + "\n"
        info.add_text("Raw profile type exif", text, zip=compressed)
        path = tmp_path / "a.png"
        Image.fromarray(picture(24, 40)).save(path, pnginfo=info)
        assert read_frame(path).exposure.seconds == pytest.approx(1 / 250)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_colour_profile_is_noted_and_not_applied(tmp_path, picture, suffix):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain, tagged = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    Image.fromarray(picture(24, 40)).save(plain)
    Image.fromarray(picture(24, 40)).save(tagged, icc_profile=profile)
    assert read_frame(plain).metadata.colour_profile is None
    assert read_frame(tagged).metadata.colour_profile == "sRGB built-in"
    np.testing.assert_array_equal(read_frame(plain).pixels, read_frame(tagged).pixels)


@pytest.mark.parametrize("profile", [b"x", bytes(200)])
def test_broken_profile_does_no_harm(tmp_path, picture, profile):
    Image.fromarray(picture(24, 40)).save(tmp_path / "a.jpg", icc_profile=profile)
    assert read_frame(tmp_path / "a.jpg").metadata.colour_profile == "unreadable"


def test_the_suffix_does_not_matter(tmp_path, picture):
    Image.fromarray(picture(24, 40)).save(tmp_path / "a.tif", "PNG")
    assert read_frame(tmp_path / "a.tif").metadata.file_format == "PNG"


def test_a_string_is_a_path(tmp_path, picture):
    Image.fromarray(picture(24, 40)).save(tmp_path / "ä b.png")
    assert read_frame(str(tmp_path / "ä b.png")).path == tmp_path / "ä b.png"


@settings(max_examples=25, deadline=None)
@given(st.integers(16, 70), st.integers(16, 70), st.integers(0, 2**32 - 1))
def test_any_16_bit_picture_survives(height, width, seed):
    pixels = np.random.default_rng(seed).integers(0, 65536, (height, width, 3), np.uint16)
    with TemporaryDirectory() as folder:
        png, tif = Path(folder, "a.png"), Path(folder, "a.tif")
        png.write_bytes(imagecodecs.png_encode(pixels))
        tifffile.imwrite(tif, pixels, photometric="rgb", compression="lzw")
        for path in (png, tif):
            found = read_frame(path).pixels
            assert np.array_equal(np.rint(found.astype(np.float64) * 65535), pixels)


# --- what is refused -------------------------------------------------------------------------


def test_no_such_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_frame(tmp_path / "a.jpg")


def test_nul_in_the_name():
    with pytest.raises(InputError, match="cannot be opened"):
        read_frame("a\0.jpg")


def test_folder(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        read_frame(tmp_path)


def test_empty_file(tmp_path):
    (tmp_path / "a.jpg").touch()
    with pytest.raises(UnreadableImageError, match="empty"):
        read_frame(tmp_path / "a.jpg")


def test_pipe_is_refused_rather_than_waited_for(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs named pipes")
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="not a regular file"):
        read_frame(tmp_path / "a.jpg")


def test_no_permission(tmp_path, picture, monkeypatch):
    Image.fromarray(picture(24, 40)).save(tmp_path / "a.jpg")

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="cannot be opened: permission denied"):
        read_frame(tmp_path / "a.jpg")


def test_text_is_no_picture(tmp_path):
    (tmp_path / "a.jpg").write_text("#include <stdio.h>")
    with pytest.raises(UnreadableImageError, match="no picture"):
        read_frame(tmp_path / "a.jpg")


@pytest.mark.parametrize(("kind", "name"), [("GIF", "GIF"), ("BMP", "BMP"), ("WEBP", "WebP")])
def test_other_kinds_are_named(tmp_path, picture, kind, name):
    Image.fromarray(picture(24, 40)).save(tmp_path / "a.jpg", kind)
    with pytest.raises(UnsupportedFormatError, match=f"is a {name} file") as caught:
        read_frame(tmp_path / "a.jpg")
    assert "expected a photograph (JPEG, PNG, TIFF or RAW)" in caught.value.message
    assert "16-bit TIFF" in caught.value.hint
    with pytest.raises(UnsupportedFormatError, match="Radiance or OpenEXR"):
        probe(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("encode", "name"),
    [
        (imagecodecs.avif_encode, "an AVIF"),
        (imagecodecs.jpegxl_encode, "a JPEG XL"),
        (imagecodecs.jpeg2k_encode, "a JPEG 2000"),
        (imagecodecs.jpegxr_encode, "a JPEG XR"),
        (imagecodecs.qoi_encode, "a QOI"),
        (lambda pixels: b"P6\n40 24\n255\n" + pixels.tobytes(), "a PNM"),
        (lambda pixels: b"\0\0\0\x24ftypheic\0\0\0\0mif1heic", "a HEIC"),
    ],
)
def test_other_codecs_are_named(tmp_path, picture, encode, name):
    (tmp_path / "a.jpg").write_bytes(encode(picture(24, 40)))
    with pytest.raises(UnsupportedFormatError, match=f"is {name} file") as caught:
        read_frame(tmp_path / "a.jpg")
    assert "16-bit TIFF" in caught.value.hint


def test_radiance_of_another_kind_is_not_sent_to_tiff(tmp_path):
    (tmp_path / "a.pfm").write_bytes(b"PF\n1 1\n-1.0\n" + bytes(12))
    with pytest.raises(UnsupportedFormatError, match="is a PFM file") as caught:
        read_frame(tmp_path / "a.pfm")
    assert caught.value.hint == "convert it to OpenEXR"


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint32, np.int16])
def test_tiff_that_is_no_photograph(tmp_path, picture, dtype):
    tifffile.imwrite(tmp_path / "a.tif", picture(20, 20).astype(dtype), photometric="rgb")
    with pytest.raises(UnsupportedFormatError, match="expected 8 or 16 bit") as caught:
        read_frame(tmp_path / "a.tif")
    assert "16-bit TIFF" in caught.value.hint


def test_radiance_is_no_photograph(tmp_path, hdr_image):
    write_hdr(tmp_path / "a.exr", hdr_image)
    with pytest.raises(UnsupportedFormatError, match="HDR image"):
        read_frame(tmp_path / "a.exr")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_too_small_and_too_large(tmp_path, picture, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(picture(15, 40)).save(path)
    with pytest.raises(InputError, match="40x15 pixels, expected at least 16x16"):
        read_frame(path)
    Image.fromarray(picture(20, 40)).save(path)
    with pytest.raises(ImageTooLargeError, match="40x20"):
        read_frame(path, max_pixels=799)
    assert read_frame(path, max_pixels=800).size == (20, 40)


@pytest.mark.parametrize(
    ("size", "megapixels"), [((20001, 10000), "200.01"), ((50000, 40000), "2000")]
)
def test_barely_too_large_is_not_said_to_be_what_is_allowed(tmp_path, size, megapixels):
    header = b"IHDR" + struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)  # pixels are not looked at
    path = tmp_path / "a.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + b"\0\0\0\0IDAT"
        + struct.pack(">I", zlib.crc32(b"IDAT"))
    )
    with pytest.raises(ImageTooLargeError, match=f", {megapixels} MP, expected at most 200 MP"):
        read_frame(path)


def test_a_whole_jpeg_with_bytes_behind_it_is_read(tmp_path, picture):
    stream = io.BytesIO()
    Image.fromarray(picture(24, 40)).save(stream, "JPEG")
    (tmp_path / "a.jpg").write_bytes(stream.getvalue() + bytes(500))
    assert read_frame(tmp_path / "a.jpg").size == (24, 40)


# --- the real thing --------------------------------------------------------------------------


def test_real_brackets(shared_dir):
    for name in ("veranda", "lake"):
        frames = [read_frame(p) for p in sorted((shared_dir / "data/brackets" / name).iterdir())]
        exposures = [frame.exposure for frame in frames]
        assert all(exposures)
        varied = (
            {e.iso for e in exposures} if name == "veranda" else {e.f_number for e in exposures}
        )
        assert len(varied) == 3


def test_film_scan_under_a_raw_suffix(shared_dir):
    frame = read_frame(shared_dir / "data/raw/Nikon_uncompressed.nef")
    assert frame.size == (593, 869)
    assert 0.1 < frame.pixels.mean() < 0.3


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours_multiplied_with_alpha_are_divided_by_it(tmp_path, picture, dtype):
    """White at half coverage is white, as it is where alpha stands by itself."""
    white = np.iinfo(dtype).max
    colours = picture(20, 30, dtype=dtype)
    alpha = np.full((20, 30, 1), white // 2, dtype)
    alpha[:5] = white
    alpha[-3:] = 0
    multiplied = np.rint(colours * (alpha / white)).astype(dtype)
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.concatenate((multiplied, alpha), axis=2),
        photometric="rgb",
        extrasamples=["assocalpha"],
    )
    pixels = read_frame(tmp_path / "a.tif").pixels
    np.testing.assert_allclose(pixels[:-3], colours[:-3] / white, atol=1.5 / white)
    assert not pixels[-3:].any()
