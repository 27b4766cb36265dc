"""Damaged and hostile files: one `AhdrError`, never another exception, never a false picture."""

from __future__ import annotations

import io
import logging
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ahdr_cli.errors import AhdrError, ImageTooLargeError, UnreadableImageError
from ahdr_cli.images import HdrImage
from ahdr_cli.io import WriteOptions, probe, read_frame, read_hdr, write_hdr

CORRUPTION = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def pixels(dtype=np.uint8):
    y, x = np.mgrid[0:45, 0:61]
    noise = np.random.default_rng(0).integers(0, 9, (45, 61, 3))
    scaled = (np.stack([x * 3, y * 4, x + y], -1) + noise) * (np.iinfo(dtype).max / 255)
    return scaled.astype(dtype)


def encoded(save, **options):
    stream = io.BytesIO()
    save(stream, **options)
    return stream.getvalue()


def pillow(kind, **options):
    return lambda: encoded(Image.fromarray(pixels()).save, format=kind, **options)


def tiff(dtype, **options):
    stored = np.moveaxis(pixels(dtype), -1, 0) if "planarconfig" in options else pixels(dtype)
    return lambda: encoded(tifffile.imwrite, data=stored, photometric="rgb", **options)


PHOTOGRAPHS = {
    "jpeg": pillow("JPEG", quality=90),
    "progressive.jpeg": pillow("JPEG", quality=90, progressive=True),
    "8bit.png": pillow("PNG"),
    "16bit.png": lambda: imagecodecs.png_encode(pixels(np.uint16)),
    "8bit.tif": tiff(np.uint8),
    "16bit.tif": tiff(np.uint16),
    "lzw.tif": tiff(np.uint8, compression="lzw"),
    "zlib.tif": tiff(np.uint16, compression="zlib", predictor=True, rowsperstrip=8),
    "tiled.tif": tiff(np.uint8, tile=(16, 16)),
    "tiledlzw.tif": tiff(np.uint16, tile=(16, 16), compression="lzw"),
    "planar.tif": tiff(np.uint8, planarconfig="separate"),
    "packbits.tif": tiff(np.uint8, compression="packbits"),
}
RADIANCE = {
    "half.exr": (".exr", WriteOptions()),
    "float.exr": (".exr", WriteOptions(float32=True, compression="none")),
    "piz.exr": (".exr", WriteOptions(compression="piz")),
    "rgbe.hdr": (".hdr", WriteOptions()),
    "float.tif": (".tif", WriteOptions()),
}


SIGNATURES = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"#?RADIANCE\n",
    b"\x76\x2f\x31\x01\x02\0\0\0",
    b"FUJIFILMCCD-RAW",
)


@pytest.fixture(params=[*PHOTOGRAPHS, *RADIANCE])
def sample(request, tmp_path):
    """(reader, whole file): every format that is read."""
    if request.param in PHOTOGRAPHS:
        return read_frame, PHOTOGRAPHS[request.param]()
    suffix, options = RADIANCE[request.param]
    values = np.exp2(np.random.default_rng(0).uniform(-6, 6, (45, 61, 3))).astype(np.float32)
    return read_hdr, write_hdr(
        tmp_path / f"a{suffix}", HdrImage(values), options=options
    ).read_bytes()


def test_whole_files_are_read(sample, tmp_path):
    reader, data = sample
    (tmp_path / "b").write_bytes(data)
    assert reader(tmp_path / "b").size == (45, 61)


def test_truncation_is_never_taken_for_a_picture(sample, tmp_path):
    """Cut at 60 places, those near the end included."""
    reader, data = sample
    path = tmp_path / "b"
    spread = np.linspace(0, len(data) - 12, 50).astype(int)
    # The last two bytes of a JPEG are its end marker, and a picture lacks nothing without them;
    # LZW ends with a code that carries no pixels.
    for length in (*spread, *range(len(data) - 11, len(data) - 2)):
        path.write_bytes(data[:length])
        with pytest.raises(AhdrError) as caught:
            reader(path)
        assert "\n" not in str(caught.value)


@CORRUPTION
@given(data=st.data())
def test_corruption_never_raises_anything_else(sample, tmp_path, data):
    reader, whole = sample
    broken = bytearray(whole)
    # Half of the changes go to the first kilobyte, where headers are.
    place = st.one_of(st.integers(0, min(1000, len(whole) - 1)), st.integers(0, len(whole) - 1))
    for position in data.draw(st.lists(place, min_size=1, max_size=12)):
        broken[position] = data.draw(st.integers(0, 255))
    path = tmp_path / "b"
    path.write_bytes(bytes(broken))
    for function in (reader, probe):
        try:
            function(path)
        except AhdrError as error:
            assert "\n" not in str(error)
            assert error.path == path


@CORRUPTION
@given(head=st.sampled_from(SIGNATURES), tail=st.binary(max_size=400))
def test_noise_behind_a_signature(tmp_path, head, tail):
    path = tmp_path / "b"
    path.write_bytes(head + tail)
    for function in (read_frame, read_hdr, probe):
        with pytest.raises(AhdrError):
            function(path)


@pytest.mark.parametrize("name", ["zlib.tif", "8bit.png", "16bit.png"])
def test_formats_with_checksums_notice_a_single_bit(name, tmp_path):
    whole = PHOTOGRAPHS[name]()
    rng = np.random.default_rng(1)
    for position in rng.integers(len(whole) // 3, len(whole) * 9 // 10, 30):
        broken = bytearray(whole)
        broken[position] ^= 1
        (tmp_path / "b").write_bytes(bytes(broken))
        with pytest.raises(UnreadableImageError):
            read_frame(tmp_path / "b")


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


PNG_END = png_chunk(b"IEND", b"")


def png(width, height, data, *, before=b"", after=PNG_END, colour=2):
    header = png_chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + png_chunk(b"IDAT", data) + after


@pytest.mark.parametrize(
    "content",
    [
        png(20, 20, b"no zlib"),
        png(20, 20, zlib.compress(bytes(100))),
        png(20, 20, zlib.compress(bytes([9]) * 20 * 61)),
        png(20, 20, b""),
        png(20, 20, zlib.compress(bytes(20 * 61)), colour=5),
        png(20, 20, zlib.compress(bytes(20 * 61)), before=png_chunk(b"WHAT", b"")),
        png(20, 20, zlib.compress(bytes(20 * 61)), after=b""),
        png(20, 20, zlib.compress(bytes(20 * 61)), after=PNG_END[:-1]),
        b"\x89PNG\r\n\x1a\n" + PNG_END * 3,
    ],
)
def test_png_that_is_wrong_inside_intact_chunks(tmp_path, content):
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(UnreadableImageError):
        read_frame(tmp_path / "b")


def test_png_with_hostile_ancillary_chunks_is_read(tmp_path):
    bomb = zlib.compress(bytes(200 << 20), 9)
    before = b"".join(
        (
            png_chunk(b"iCCP", b"x\0\0" + bomb),
            png_chunk(b"zTXt", b"Raw profile type exif\0\0" + bomb),
            png_chunk(b"tEXt", b"Raw profile type exif\0\nexif\nxyz"),
            png_chunk(b"eXIf", b"MM\0*\0\0\0\x08\xff\xff"),
            png_chunk(b"tRNS", b"\1"),
        )
    )
    (tmp_path / "b").write_bytes(png(20, 20, zlib.compress(bytes(20 * 61)), before=before))
    assert read_frame(tmp_path / "b").pixels.max() == 0


# --- files that claim more than they hold ----------------------------------------------------


def jpeg_claiming(width, height):
    data = bytearray(PHOTOGRAPHS["jpeg"]())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">2H", height, width)
    return bytes(data)


def tiff_claiming(**changed):
    """A TIFF whose tags are overwritten in place."""
    data = bytearray(tiff(np.uint8, tile=(16, 16))())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        for name, value in changed.items():
            tag = file.pages.first.tags[name]
            data[tag.offset + 2 : tag.offset + 12] = struct.pack("<HII", 4, 1, value)
    return bytes(data)


@pytest.mark.parametrize(
    "content",
    [
        jpeg_claiming(65500, 65500),
        png(2**31 - 1, 2**31 - 1, b""),
        png(60_000, 60_000, zlib.compress(bytes(1000))),
        tiff_claiming(ImageWidth=2**31, ImageLength=2**31),
        tiff_claiming(TileWidth=2**20, TileLength=2**20),
    ],
    ids=["jpeg", "png", "png-large", "tiff", "tiff-tile"],
)
def test_claims_are_refused_before_decoding(tmp_path, content, monkeypatch):
    def decode(*args, **kwargs):
        pytest.fail("decoded before the dimensions were checked")

    monkeypatch.setattr(imagecodecs, "png_decode", decode)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", decode)
    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.load", decode)
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(ImageTooLargeError):
        read_frame(tmp_path / "b")


@pytest.mark.parametrize(
    "changed",
    [
        {"TileOffsets": 2**32 - 1},
        {"TileByteCounts": 2**32 - 1},
        {"TileByteCounts": 0},
        {"SamplesPerPixel": 60_000},
        {"SamplesPerPixel": 16, "ImageWidth": 12_000, "ImageLength": 12_000},
        {"BitsPerSample": 65_535},
        {"TileWidth": 0},
    ],
    ids=str,
)
def test_tiff_with_impossible_tags(tmp_path, changed):
    (tmp_path / "b").write_bytes(tiff_claiming(**changed))
    with pytest.raises(AhdrError):
        read_frame(tmp_path / "b")


def test_tiff_that_inflates_without_end(tmp_path):
    """One strip of 20 kB that inflates to 20 MB where 8 kB are declared."""
    bomb = zlib.compress(bytes(20 << 20), 9)
    data = bytearray(tiff(np.uint8, compression="zlib")())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        tags = file.pages.first.tags
        for name, value in (("StripOffsets", len(data)), ("StripByteCounts", len(bomb))):
            place = tags[name].offset + 2
            data[place : place + 10] = struct.pack("<HII", 4, 1, value)
    (tmp_path / "b").write_bytes(bytes(data) + bomb)
    with pytest.raises(AhdrError):
        read_frame(tmp_path / "b")


def test_running_out_of_memory_is_an_input_error(tmp_path, monkeypatch):
    def exhausted(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(imagecodecs, "png_decode", exhausted)
    (tmp_path / "b").write_bytes(PHOTOGRAPHS["16bit.png"]())
    with pytest.raises(ImageTooLargeError, match="memory"):
        read_frame(tmp_path / "b")


def test_a_damaged_tiff_says_one_thing_only(tmp_path, capfd, caplog):
    """tifffile logs, libtiff prints: neither may."""
    logging.getLogger("tifffile").setLevel(logging.DEBUG)
    for name in ("zlib.tif", "planar.tif", "tiled.tif"):
        whole = PHOTOGRAPHS[name]()
        for share in (0.1, 0.5, 0.9):
            (tmp_path / "b").write_bytes(whole[: int(len(whole) * share)])
            with pytest.raises(AhdrError):
                read_frame(tmp_path / "b")
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_a_tiff_without_its_end_is_described_in_words(tmp_path):
    """libtiff writes the directory last; tifffile then finds no first page, and says `0`."""
    whole = encoded(Image.fromarray(pixels()).save, format="TIFF", compression="tiff_lzw")
    (tmp_path / "b").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableImageError) as caught:
        read_frame(tmp_path / "b")
    assert caught.value.message == "damaged or truncated TIFF"
