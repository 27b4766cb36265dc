"""OpenEXR files, read back by a second reader, and those of others."""

from __future__ import annotations

import contextlib
import re
import struct
import sys
import threading
from dataclasses import replace

import numpy as np
import OpenEXR
import pytest

from ahdr_cli.errors import ImageTooLargeError, UnreadableImageError, UnsupportedFormatError
from ahdr_cli.images import Exposure, HdrImage
from ahdr_cli.io import EXR_COMPRESSIONS, WriteOptions, probe, read_hdr, write_hdr
from ahdr_cli.io.stored import REC709_CHROMATICITIES


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (37, 53), (16, 64), (33, 17)])
@pytest.mark.parametrize("float32", [False, True])
@pytest.mark.parametrize("compression", ["none", "zip"])
def test_a_second_reader_agrees(tmp_path, make_radiance, exr_oracle, size, float32, compression):
    expected = make_radiance(*size)
    options = WriteOptions(float32=float32, compression=compression)
    write_hdr(tmp_path / "a.exr", HdrImage(expected), options=options)
    found, _ = exr_oracle(tmp_path / "a.exr")
    assert found.dtype == (np.float32 if float32 else np.float16)
    np.testing.assert_array_equal(found, expected.astype(found.dtype))


@pytest.mark.parametrize("compression", EXR_COMPRESSIONS)
@pytest.mark.parametrize("float32", [False, True])
def test_round_trip(tmp_path, hdr_image, compression, float32):
    options = WriteOptions(float32=float32, compression=compression)
    write_hdr(tmp_path / "a.exr", hdr_image, options=options)
    found = read_hdr(tmp_path / "a.exr")
    lossy = float32 and compression == "pxr24"  # it keeps 24 of the 32 bits
    expected = hdr_image.pixels if float32 else hdr_image.pixels.astype(np.float16)
    np.testing.assert_allclose(found.pixels, expected, rtol=1e-4 if lossy else 0)
    assert found.exposure == Exposure(seconds=1 / 250, iso=200, f_number=5.6)
    assert found.metadata.model == "Model 7"
    assert found.metadata.captured_at == "2024-05-01T12:30:00"
    assert found.metadata.bit_depth == (32 if float32 else 16)
    assert found.colour_space == "lin_rec709_scene"


def test_attributes_and_their_types(tmp_path, hdr_image, exr_oracle):
    write_hdr(tmp_path / "a.exr", hdr_image)
    _, found = exr_oracle(tmp_path / "a.exr")
    assert found["expTime"] == ("float", struct.pack("<f", 1 / 250))
    assert found["isoSpeed"] == ("float", struct.pack("<f", 200))
    assert found["aperture"] == ("float", struct.pack("<f", 5.6))
    assert found["capDate"] == ("string", b"2024:05:01 12:30:00")
    assert found["colorInteropID"] == ("string", b"lin_rec709_scene")
    assert found["cameraMake"] == ("string", b"Maker")
    assert found["lensModel"] == ("string", b"50mm F1.4")
    assert found["compression"] == ("compression", b"\x03")
    assert "chromaticities" not in found
    assert all(len(name) <= 31 for name in found)
    assert not any(b"12345" in value for _, value in found.values())


def test_chromaticities_instead(tmp_path, hdr_image, exr_oracle):
    write_hdr(tmp_path / "a.exr", hdr_image, options=WriteOptions(chromaticities=True))
    _, found = exr_oracle(tmp_path / "a.exr")
    kind, value = found["chromaticities"]
    assert kind == "chromaticities"
    np.testing.assert_allclose(struct.unpack("<8f", value), REC709_CHROMATICITIES, rtol=1e-6)
    assert "colorInteropID" not in found
    assert read_hdr(tmp_path / "a.exr").colour_space == "lin_rec709_scene"


def test_what_is_unknown_is_not_written(tmp_path, make_radiance, exr_oracle):
    write_hdr(tmp_path / "a.exr", HdrImage(make_radiance()))
    _, found = exr_oracle(tmp_path / "a.exr")
    assert not {"expTime", "isoSpeed", "aperture", "capDate", "cameraMake"} & set(found)
    assert read_hdr(tmp_path / "a.exr").exposure is None


def test_half_is_clamped_and_float_is_not(tmp_path):
    pixels = np.zeros((4, 4, 3), np.float32)
    pixels[0, 0] = 1e6
    pixels[0, 1] = np.inf
    pixels[0, 2] = np.nan
    pixels[0, 3] = -1
    pixels[1, 0] = 65519  # the last whole number that a conversion rounds to 65504
    pixels[1, 1] = 65520  # the first one that it rounds to Inf
    write_hdr(tmp_path / "a.exr", HdrImage(pixels))
    half = read_hdr(tmp_path / "a.exr").pixels[..., 0]
    np.testing.assert_array_equal(half[0], [65504, 65504, 0, 0])
    np.testing.assert_array_equal(half[1, :2], [65504, 65504])
    write_hdr(tmp_path / "b.exr", HdrImage(pixels), options=WriteOptions(float32=True))
    full = read_hdr(tmp_path / "b.exr").pixels[..., 0]
    np.testing.assert_array_equal(full[0], [1e6, np.finfo(np.float32).max, 0, 0])


ACES_AP1 = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)


def write_other(path, channels, **header):
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION} | header
    OpenEXR.File(header, channels).write(str(path))


def test_tiled(tmp_path, make_radiance):
    expected = make_radiance()
    tiles = OpenEXR.TileDescription()
    tiles.xSize = tiles.ySize = 16
    write_other(tmp_path / "a.exr", {"RGB": expected}, type=OpenEXR.tiledimage, tiles=tiles)
    np.testing.assert_array_equal(read_hdr(tmp_path / "a.exr").pixels, expected)


def test_the_first_part_with_colour_is_read(tmp_path, make_radiance):
    expected = make_radiance()
    depth = OpenEXR.Part(
        {"name": "depth", "type": OpenEXR.scanlineimage}, {"Z": expected[..., 0].copy()}
    )
    beauty = OpenEXR.Part({"name": "beauty", "type": OpenEXR.scanlineimage}, {"RGB": expected})
    OpenEXR.File([depth, beauty]).write(str(tmp_path / "a.exr"))
    np.testing.assert_array_equal(read_hdr(tmp_path / "a.exr").pixels, expected)


def test_alpha_and_other_channels_are_left_out(tmp_path, make_radiance):
    expected = make_radiance()
    plane = expected[..., 0].copy()
    write_other(tmp_path / "a.exr", {"RGB": expected, "A": plane, "depth.Z": plane})
    np.testing.assert_array_equal(read_hdr(tmp_path / "a.exr").pixels, expected)
    assert probe(tmp_path / "a.exr").channels == 5


def test_mixed_sample_types(tmp_path, make_radiance):
    values = make_radiance()
    red, green, blue = (values[..., c].copy() for c in range(3))
    write_other(tmp_path / "a.exr", {"R": red.astype(np.float16), "G": green, "B": blue})
    found = read_hdr(tmp_path / "a.exr")
    np.testing.assert_array_equal(found.pixels[..., 0], red.astype(np.float16))
    np.testing.assert_array_equal(found.pixels[..., 1], green)
    assert found.metadata.bit_depth == 32


@pytest.mark.parametrize("names", [("Y",), ("R", "G"), ("main.R", "main.G"), ("xR", "xG", "xB")])
def test_without_rgb(tmp_path, make_radiance, names):
    plane = make_radiance()[..., 0].copy()
    write_other(tmp_path / "a.exr", dict.fromkeys(names, plane))
    message = f"channels.*{names[0]}.*expected R, G and B$"
    with pytest.raises(UnsupportedFormatError, match="channels") as caught:
        read_hdr(tmp_path / "a.exr")
    assert re.search(message, caught.value.message)
    assert "oiiotool" in caught.value.hint


def layer(pixels, name):
    return {f"{name}.{channel}": pixels[..., c].copy() for c, channel in enumerate("RGB")}


def test_colours_of_the_only_layer_are_read(tmp_path, make_radiance):
    """As Blender writes them."""
    expected = make_radiance()
    plane = expected[..., 0].copy()
    channels = {"ViewLayer.Depth.Z": plane, "ViewLayer.Combined.A": plane}
    write_other(tmp_path / "a.exr", channels | layer(expected, "ViewLayer.Combined"))
    np.testing.assert_array_equal(read_hdr(tmp_path / "a.exr").pixels, expected)
    assert probe(tmp_path / "a.exr").channels == 5


def test_colours_in_no_layer_come_first_and_layers_are_not_guessed(tmp_path, make_radiance):
    expected = make_radiance()
    others = layer(expected * 2, "diffuse") | layer(expected * 3, "glossy")
    write_other(tmp_path / "a.exr", others | {"RGB": expected})
    np.testing.assert_array_equal(read_hdr(tmp_path / "a.exr").pixels, expected)
    write_other(tmp_path / "b.exr", others)
    with pytest.raises(UnsupportedFormatError, match=r"diffuse\.R.*R, G and B of one layer"):
        read_hdr(tmp_path / "b.exr")


def test_what_is_in_the_way_of_a_channel_is_said(tmp_path, make_radiance):
    """No writer here makes such files, so that a header is changed instead."""
    write_other(tmp_path / "a.exr", {"RGB": make_radiance(20, 30)})
    data = (tmp_path / "a.exr").read_bytes()
    place = data.index(b"chlist\0") + len(b"chlist\0") + 4 + len(b"B\0") + 8
    assert data[place : place + 8] == struct.pack("<2i", 1, 1)
    half = data[:place] + struct.pack("<2i", 2, 2) + data[place + 8 :]
    (tmp_path / "b.exr").write_bytes(half)
    with pytest.raises(UnsupportedFormatError, match=r"channels B \(subsampled\), G, R, expected"):
        read_hdr(tmp_path / "b.exr")


@pytest.mark.parametrize(
    ("header", "space"),
    [
        ({}, "lin_rec709_scene"),
        ({"colorInteropID": "lin_ap1_scene"}, "lin_ap1_scene"),
        ({"chromaticities": REC709_CHROMATICITIES}, "lin_rec709_scene"),
        (
            {"chromaticities": (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)},
            "unknown",
        ),
    ],
    ids=str,
)
def test_colour_space_is_not_guessed(tmp_path, make_radiance, header, space):
    write_other(tmp_path / "a.exr", {"RGB": make_radiance()}, **header)
    assert read_hdr(tmp_path / "a.exr").colour_space == space


def test_values_are_made_safe_on_reading_but_shown_as_stored(tmp_path, make_radiance):
    values = make_radiance()
    values[0, 0], values[0, 1], values[0, 2] = np.nan, np.inf, -1.0
    write_other(tmp_path / "a.exr", {"RGB": values})
    found = read_hdr(tmp_path / "a.exr").pixels
    assert np.isfinite(found).all()
    assert (found[0, 0] == 0).all()
    assert (found[0, 1] == np.finfo(np.float32).max).all()
    assert (found[0, 2] == 0).all()
    statistics = probe(tmp_path / "a.exr").statistics
    assert (statistics.nan, statistics.infinite, statistics.negative) == (3, 3, 3)
    assert statistics.minimum == -1.0


def with_data_window(data, box):
    place = data.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    return data[:place] + struct.pack("<4i", *box) + data[place + 16 :]


def test_a_huge_data_window_is_refused_before_decoding(tmp_path, hdr_image, monkeypatch):
    write_hdr(tmp_path / "a.exr", hdr_image)
    path = tmp_path / "b.exr"
    path.write_bytes(with_data_window((tmp_path / "a.exr").read_bytes(), (0, 0, 39999, 39999)))
    decoded = []
    original = OpenEXR.File

    def spy(*args, **kwargs):
        decoded.append(not kwargs.get("header_only"))
        return original(*args, **kwargs)

    monkeypatch.setattr(OpenEXR, "File", spy)
    with pytest.raises(ImageTooLargeError, match="40000x40000"):
        read_hdr(path)
    assert decoded == [False]


def test_a_window_larger_than_the_data(tmp_path, hdr_image):
    write_hdr(tmp_path / "a.exr", hdr_image)
    path = tmp_path / "b.exr"
    path.write_bytes(with_data_window((tmp_path / "a.exr").read_bytes(), (0, 0, 999, 999)))
    with pytest.raises(UnreadableImageError):
        read_hdr(path)


def test_an_offset_data_window_is_the_picture(tmp_path, make_radiance):
    expected = make_radiance(20, 30)
    corners = (np.array([7, 9], np.int32), np.array([36, 28], np.int32))
    write_other(tmp_path / "a.exr", {"RGB": expected}, dataWindow=corners)
    info = probe(tmp_path / "a.exr")
    assert info.attributes["dataWindow"] == "[[7, 9], [36, 28]]"
    assert (info.width, info.height) == (30, 20)
    np.testing.assert_array_equal(read_hdr(tmp_path / "a.exr").pixels, expected)


@pytest.mark.parametrize("compression", EXR_COMPRESSIONS)
def test_damage_leaves_streams_clean(tmp_path, hdr_image, capfd, compression):
    """Neither the binding's words on stdout nor the library's on stderr."""
    options = WriteOptions(compression=compression)
    write_hdr(tmp_path / "a.exr", hdr_image, options=options)
    data = (tmp_path / "a.exr").read_bytes()
    middle = len(data) // 2
    (tmp_path / "b.exr").write_bytes(data[:middle])
    (tmp_path / "c.exr").write_bytes(data[:middle] + bytes(200) + data[middle + 200 :])
    with pytest.raises(UnreadableImageError):
        read_hdr(tmp_path / "b.exr")
    with contextlib.suppress(UnreadableImageError):  # zeros may be pixels
        read_hdr(tmp_path / "c.exr")
    assert capfd.readouterr() == ("", "")


def test_real_maps(shared_dir):
    maps = sorted((shared_dir / "data/hdri/val").glob("*.exr"))[:3]
    assert maps
    for path in maps:
        assert read_hdr(path).pixels.max() > 1


def test_other_threads_are_heard_meanwhile(tmp_path, hdr_image, capsys, monkeypatch):
    """What they print while a file is read must not be lost with the binding's words."""
    path = write_hdr(tmp_path / "a.exr", hdr_image)
    binding = OpenEXR.File

    def talkative(*arguments, **settings):
        sys.stdout.write("of the binding\n")
        other = threading.Thread(target=lambda: sys.stdout.write("of another thread\n"))
        other.start()
        other.join()
        return binding(*arguments, **settings)

    monkeypatch.setattr(OpenEXR, "File", talkative)
    read_hdr(path)
    heard = capsys.readouterr().out
    assert "of another thread\n" in heard
    assert "of the binding" not in heard


@pytest.mark.parametrize("chromaticities", [False, True])
def test_foreign_primaries_keep_their_name(tmp_path, hdr_image, chromaticities):
    """There are chromaticities to write for our own primaries only."""
    image = replace(hdr_image, colour_space="lin_ap1_scene")
    options = WriteOptions(chromaticities=chromaticities)
    path = write_hdr(tmp_path / "a.exr", image, options=options)
    assert read_hdr(path).colour_space == "lin_ap1_scene"
