"""Pictures, files and independent readers for the tests of `ahdr_cli.io`."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import piexif
import pytest

from ahdr_cli.images import CaptureMetadata, Exposure, HdrImage


def smooth_picture(height, width, channels=3, *, dtype=np.uint8):
    """A picture with a different value in each corner and channel, and fine detail."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = [
        0.5 + 0.25 * np.sin(x / (5 + c)) + 0.2 * (y / height) - 0.15 * (x / width) * (c + 1) / 3
        for c in range(channels)
    ]
    white = np.iinfo(dtype).max
    return np.rint(np.clip(np.stack(planes, -1), 0, 1) * white).astype(dtype)


def radiance(height=37, width=53, *, stops=12.0, seed=0):
    """Log-uniform radiance over `stops` around 1."""
    rng = np.random.default_rng(seed)
    return np.exp2(rng.uniform(-stops / 2, stops / 2, (height, width, 3))).astype(np.float32)


@pytest.fixture
def picture():
    return smooth_picture


@pytest.fixture
def make_radiance():
    return radiance


@pytest.fixture
def hdr_image():
    """A small image with everything known of its capture."""
    return HdrImage(
        radiance(),
        exposure=Exposure(seconds=1 / 250, iso=200, f_number=5.6, bias=-0.5),
        metadata=CaptureMetadata(
            make="Maker",
            model="Model 7",
            lens="50mm F1.4",
            captured_at="2024-05-01T12:30:00.25",
            focal_length=50.0,
            serial="12345",
        ),
    )


@pytest.fixture
def exif_bytes():
    """An EXIF block from tag dictionaries, as piexif writes it."""

    def build(primary=None, exif=None):
        return piexif.dump({"0th": primary or {}, "Exif": exif or {}})

    return build


@pytest.fixture
def bracket_exif(exif_bytes):
    """1/250 s, ISO 200, f/5.6, orientation as asked for."""

    def build(orientation=1):
        return exif_bytes(
            {piexif.ImageIFD.Orientation: orientation, piexif.ImageIFD.Model: b"Model 7"},
            {
                piexif.ExifIFD.ExposureTime: (1, 250),
                piexif.ExifIFD.ISOSpeedRatings: 200,
                piexif.ExifIFD.FNumber: (56, 10),
            },
        )

    return build


def _attributes(data):
    """Header attributes of a single-part OpenEXR file, and where the header ends."""
    position, found = 8, {}
    while data[position]:
        name, _, rest = data[position : position + 256].partition(b"\0")
        kind = rest.partition(b"\0")[0]
        position += len(name) + len(kind) + 2
        (size,) = struct.unpack_from("<I", data, position)
        found[name.decode()] = (kind.decode(), data[position + 4 : position + 4 + size])
        position += 4 + size
    return found, position + 1


def _unzipped(block, size):
    """ZIP blocks hold byte differences, low and high bytes apart (OpenEXR file layout)."""
    if len(block) == size:
        return block
    delta = np.frombuffer(zlib.decompress(block), np.uint8).astype(np.int64)
    delta[1:] -= 128
    flat = np.cumsum(delta).astype(np.uint8)
    joined = np.empty_like(flat)
    half = (size + 1) // 2
    joined[0::2], joined[1::2] = flat[:half], flat[half:]
    return joined.tobytes()


@pytest.fixture
def exr_oracle():
    """A second reader of OpenEXR, from the file layout document: scanlines, none or ZIP.

    No other Python package here reads OpenEXR. Returns (pixels, attributes).
    """

    def read(path: Path):
        data = path.read_bytes()
        assert data[:8] == b"\x76\x2f\x31\x01\x02\0\0\0"
        found, position = _attributes(data)
        x0, y0, x1, y1 = struct.unpack("<4i", found["dataWindow"][1])
        width, height = x1 - x0 + 1, y1 - y0 + 1
        lines = {0: 1, 3: 16}[found["compression"][1][0]]
        names, chlist = [], found["channels"][1]
        while chlist[0]:
            name, _, chlist = chlist.partition(b"\0")
            kind = struct.unpack_from("<I", chlist)[0]
            names.append(name.decode())
            chlist = chlist[16:]
        dtype = {1: np.float16, 2: np.float32}[kind]
        planes = {name: np.zeros((height, width), dtype) for name in names}
        chunks = -(-height // lines)
        for offset in struct.unpack_from(f"<{chunks}Q", data, position):
            y, size = struct.unpack_from("<2i", data, offset)
            y -= y0
            rows = min(lines, height - y)
            raw = _unzipped(
                data[offset + 8 : offset + 8 + size],
                rows * width * len(names) * np.dtype(dtype).itemsize,
            )
            block = np.frombuffer(raw, dtype).reshape(rows, len(names), width)
            for index, name in enumerate(names):
                planes[name][y : y + rows] = block[:, index]
        return np.stack([planes[c] for c in "RGB"], -1), found

    return read
