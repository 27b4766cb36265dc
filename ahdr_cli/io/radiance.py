"""Radiance RGBE (.hdr): shared-exponent radiance, run-length encoded.

imagecodecs (Walter's rgbe code) packs and unpacks the scanlines: OpenCV's writer turns pixels
with NaN black and reports failure by returning None, imageio's writes a TIFF under this name.
The header is written and parsed here, because none of them emits or returns its fields, and
its dimensions must be checked before anything is allocated.

Format: Ward, "Real Pixels", Graphics Gems II (1991), and the file format notes of Radiance.
Mantissas are rounded to nearest, which suits the readers in use (value = m · 2^(e-136)).
EXPOSURE is written as 1 with the scale baked in, and ignored on reading, as OpenCV,
OpenImageIO and stb do: pixels look the same everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.errors import UnreadableImageError, UnsupportedFormatError
from ahdr_cli.images import CaptureMetadata, FloatArray, HdrImage
from ahdr_cli.io.exif import exif_moment, iso_moment
from ahdr_cli.io.guard import check_dimensions, decoding, one_line
from ahdr_cli.io.options import WriteOptions
from ahdr_cli.io.software import SOFTWARE
from ahdr_cli.io.stored import REC709, REC709_CHROMATICITIES, StoredHdr, colour_space_of

__all__ = ["RGBE_LARGEST", "read_radiance", "write_radiance"]

RGBE_LARGEST = 255.0 / 256.0 * 2.0**127
"""Mantissa 255, exponent byte 255: about 1.7e38."""

_RGBE_SMALLEST = 1e-32  # Walter's encoder stores less as black
_MAX_HEADER = 1 << 16
_ROWS = 64  # encoded at once, to keep the copies small
_RESOLUTION = re.compile(rb"([-+])([XY]) (\d{1,9}) ([-+])([XY]) (\d{1,9})")
_RGBE_FORMAT = "32-bit_rle_rgbe"
_COLOUR_SPACE = "COLORSPACE"  # our own field, for primaries other than Rec. 709's


def write_radiance(path: Path, image: HdrImage, options: WriteOptions) -> None:
    """Write RGBE scanlines; nothing in `options` applies. Values must be sanitised."""
    del options
    height, width = image.size
    moment = exif_moment(image.metadata.captured_at)
    lines = ["#?RADIANCE", *_comments(image), f"SOFTWARE={SOFTWARE}"]
    if moment is not None:
        lines.append(f"CAPDATE={moment}")
    lines.append("EXPOSURE=1")
    if image.colour_space == REC709:
        lines.append("PRIMARIES=" + " ".join(f"{value:.4f}" for value in REC709_CHROMATICITIES))
    else:
        lines.append(f"{_COLOUR_SPACE}={one_line(image.colour_space)}")
    lines += [f"FORMAT={_RGBE_FORMAT}", "", f"-Y {height} +X {width}", ""]
    with path.open("wb") as stream:
        stream.write("\n".join(lines).encode("ascii", errors="replace"))
        for row in range(0, height, _ROWS):
            stream.write(_encoded(image.pixels[row : row + _ROWS]))


def read_radiance(path: Path, *, max_pixels: int) -> StoredHdr:
    """Read RGBE scanlines in any of the eight orientations that the resolution line can name.

    Raises:
        UnsupportedFormatError: XYZE instead of RGBE.
    """
    import imagecodecs

    with decoding(path, "Radiance file"):
        with path.open("rb") as stream:
            header = _parsed_header(stream.read(_MAX_HEADER), path)
            check_dimensions(
                header.columns, header.rows, path=path, max_pixels=max_pixels, min_side=1
            )
            stream.seek(header.length)
            data = stream.read()
        runs = _has_runs(data, header.columns)
        least = header.rows * (_least_scanline(header.columns) if runs else 4 * header.columns)
        if not runs:
            data = _without_old_runs(data, header.rows * header.columns)
        if len(data) < least:
            raise UnreadableImageError(
                f"truncated Radiance file: {len(data)} bytes of pixels, expected at least {least}",
                path=path,
            )
        pixels = np.empty((header.rows, header.columns, 3), np.float32)
        imagecodecs.rgbe_decode(data, header=False, rle=runs, out=pixels)
        return StoredHdr(
            pixels=np.ascontiguousarray(header.upright(pixels)),
            bit_depth=8,
            colour_space=header.fields.get(_COLOUR_SPACE)
            or colour_space_of(_primaries(header.fields.get("PRIMARIES"))),
            metadata=CaptureMetadata(
                captured_at=iso_moment(header.fields.get("CAPDATE")),
                file_format="HDR",
                bit_depth=8,
            ),
            attributes=header.fields,
        )


@dataclass(frozen=True, slots=True)
class _Header:
    """A parsed header: `rows` scanlines of `columns` pixels follow after `length` bytes."""

    rows: int
    columns: int
    axes: tuple[bytes, bytes, bytes, bytes]
    fields: dict[str, str]
    length: int

    def upright(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Scanlines as (H, W, 3), first row on top, first column on the left."""
        first_sign, first_axis, second_sign, second_axis = self.axes
        # -Y counts rows from the top, +X columns from the left; the other signs count back.
        forward = {b"Y": b"-", b"X": b"+"}
        if first_sign != forward[first_axis]:
            pixels = pixels[::-1]
        if second_sign != forward[second_axis]:
            pixels = pixels[:, ::-1]
        return pixels.swapaxes(0, 1) if first_axis == b"X" else pixels


def _parsed_header(head: bytes, path: Path) -> _Header:
    """Parse "#?", fields until an empty line, and the resolution line."""
    text, separator, rest = head.partition(b"\n\n")
    resolution, newline, _ = rest.partition(b"\n")
    match = _RESOLUTION.fullmatch(resolution.strip())
    if not separator or not newline or match is None or match[2] == match[5]:
        raise UnreadableImageError("damaged Radiance file: no resolution in the header", path=path)
    fields: dict[str, str] = {}
    for line in text.decode("latin-1").splitlines()[1:]:
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            fields[one_line(name)] = one_line(value)
    stored = fields.get("FORMAT", _RGBE_FORMAT)
    if stored != _RGBE_FORMAT:
        raise UnsupportedFormatError(
            f"format {stored!r}, expected {_RGBE_FORMAT!r}",
            path=path,
            hint="ra_xyze -r of Radiance converts XYZE",
        )
    return _Header(
        rows=int(match[3]),
        columns=int(match[6]),
        axes=(match[1], match[2], match[4], match[5]),
        fields=fields,
        length=len(text) + len(separator) + len(resolution) + len(newline),
    )


def _has_runs(data: bytes, columns: int) -> bool:
    """Whether scanlines are stored channel by channel in runs, each with a head of four bytes."""
    return 8 <= columns <= 0x7FFF and data[:4] == bytes((2, 2, columns >> 8, columns & 255))


def _without_old_runs(data: bytes, pixels: int) -> bytes:
    """Undo the run-length encoding before 1991: (1, 1, 1, n) repeats the pixel before n times.

    Where several follow each other, they are the bytes of n, the lowest first. What does not make
    as many `pixels` is returned as it is.
    """
    stored = np.frombuffer(data[: len(data) // 4 * 4], np.uint8).reshape(-1, 4)
    repeats = (stored[:, :3] == 1).all(axis=1)
    places = np.arange(len(stored))
    last = np.maximum.accumulate(np.where(repeats, 0, places))
    shift = 8 * np.minimum(places - last - 1, 4)  # nobody has more than 2^32 pixels in a row
    counts = np.where(repeats, stored[:, 3].astype(np.int64) << np.maximum(shift, 0), 1)
    reached = np.cumsum(np.minimum(counts, pixels + 1))
    end = int(np.searchsorted(reached, pixels))
    if end == len(reached) or reached[end] != pixels or repeats[0]:
        return data
    return np.repeat(stored[last[: end + 1]], counts[: end + 1], axis=0).tobytes()


def _least_scanline(columns: int) -> int:
    """Bytes of the shortest scanline: four channels in runs of at most 127 pixels."""
    return 4 + 4 * 2 * -(-columns // 127)


def _encoded(rows: FloatArray) -> bytes:
    """Scanlines of (h, W, 3) in RGBE; runs where they are allowed."""
    import imagecodecs

    height, width = rows.shape[:2]
    # Incompressible scanlines grow by one byte in 128; imagecodecs' own estimate is too small.
    bound = height * (4 + 4 * (width + width // 128 + 2))
    return bytes(imagecodecs.rgbe_encode(_rounded(rows), header=False, rle=True, out=bound))


def _rounded(rows: FloatArray) -> FloatArray:
    """Values that RGBE holds exactly, nearest to `rows`; the encoder itself cuts off."""
    peak = rows.max(axis=2)
    dark = peak < _RGBE_SMALLEST
    _, exponent = np.frexp(np.where(dark, np.float32(1), peak))
    scale = np.ldexp(np.float32(1), 8 - exponent)
    # A peak that would round up to 256 takes the next exponent.
    scale[peak * scale >= 255.5] /= 2
    scale = scale[..., np.newaxis]
    rounded: FloatArray = np.rint(rows * scale) / scale
    rounded[dark] = 0.0
    return rounded


def _comments(image: HdrImage) -> list[str]:
    """Comment lines with camera and exposure of the reference frame."""
    comments = []
    camera = " ".join(filter(None, (image.metadata.make, image.metadata.model)))
    if camera:
        comments.append(f"# camera: {one_line(camera)}")
    exposure = image.exposure
    if exposure is not None:
        parts = [f"{exposure.seconds:.6g} s"]
        if exposure.iso is not None:
            parts.append(f"ISO {exposure.iso:g}")
        if exposure.f_number is not None:
            parts.append(f"f/{exposure.f_number:g}")
        comments.append(f"# reference exposure: {', '.join(parts)}")
    return comments


def _primaries(text: str | None) -> list[float] | None:
    """Eight chromaticities, or a list that matches none where they cannot be read."""
    if text is None:
        return None
    try:
        return [float(value) for value in text.split()]
    except ValueError:
        return []
