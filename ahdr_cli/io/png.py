"""PNG of every bit depth: chunks checked here, pixels decoded by imagecodecs (libpng).

Pillow reduces 16-bit colour to 8 bits and accepts files whose last bytes are missing; OpenCV
keeps 16 bits but need not be importable. imagecodecs keeps them, yet tolerates a missing end
and leaks a reference to None with every failure. So each chunk's CRC is verified first, and
libpng is handed the critical chunks of intact files only.

Format: ISO/IEC 15948 (PNG), clauses 5 and 11.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from ahdr_cli.errors import UnreadableImageError
from ahdr_cli.io.colour_profile import profile_name
from ahdr_cli.io.exif import capture_metadata, exposure_from, read_tags
from ahdr_cli.io.guard import check_dimensions, decoding, one_line
from ahdr_cli.io.raster import Header, Raster

__all__ = ["read_png", "read_png_header"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type; 3 is a palette
_KEPT = (b"IHDR", b"PLTE", b"IDAT", b"IEND")  # without tRNS: alpha would be dropped anyway
_SOFTWARE = b"Software\x00"  # the keyword of a tEXt chunk
_MAX_PROFILE = 4 << 20  # inflated size of an ICC or EXIF profile; real ones are below 1 MiB


@dataclass(slots=True)
class _Chunks:
    """The parts of a PNG file that matter here."""

    critical: list[memoryview] = field(default_factory=list)
    exif: bytes | None = None
    icc: bytes | None = None
    software: str | None = None


def read_png_header(path: Path) -> Header:
    """Dimensions and EXIF; all chunks are verified, none of the pixels are decoded."""
    with decoding(path, "PNG"):
        data = path.read_bytes()
        return _header(data, _walk(data, path))


def read_png(path: Path, *, max_pixels: int) -> Raster:
    """Decode grey, palette and colour PNG; 16 bits stay 16 bits."""
    import imagecodecs

    with decoding(path, "PNG"):
        with path.open("rb") as stream:
            width, height = struct.unpack(">2I", stream.read(24)[16:])
        check_dimensions(width, height, path=path, max_pixels=max_pixels)
        data = path.read_bytes()
        chunks = _walk(data, path)
        header = _header(data, chunks)
        samples = imagecodecs.png_decode(b"".join((_SIGNATURE, *chunks.critical)))
        return Raster(header, samples, 65535 if header.metadata.bit_depth == 16 else 255)


def _walk(data: bytes, path: Path) -> _Chunks:
    """Split a file into chunks and verify their CRCs."""
    view = memoryview(data)
    chunks = _Chunks()
    kinds = set()
    position = len(_SIGNATURE)
    while b"IEND" not in kinds:
        if position + 12 > len(view):
            raise UnreadableImageError(
                f"truncated PNG: ends at byte {len(view)} without an end chunk", path=path
            )
        length = int.from_bytes(view[position : position + 4], "big")
        end = position + 12 + length
        kind = bytes(view[position + 4 : position + 8])
        if end > len(view):
            raise UnreadableImageError(
                f"truncated PNG: has {len(view)} bytes, expected at least {end}", path=path
            )
        body = view[position + 8 : end - 4]
        if zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise UnreadableImageError(
                f"damaged PNG: wrong checksum in the chunk at byte {position}", path=path
            )
        if kind in _KEPT:
            chunks.critical.append(view[position:end])
        elif not kind[0] & 0x20:
            raise UnreadableImageError(f"PNG with an unknown critical chunk {kind!r}", path=path)
        elif kind == b"eXIf":
            chunks.exif = bytes(body)
        elif kind == b"iCCP":
            chunks.icc = _inflated(bytes(body).partition(b"\x00")[2][1:])
        elif kind == b"tEXt" and bytes(body[: len(_SOFTWARE)]) == _SOFTWARE:
            chunks.software = one_line(bytes(body[len(_SOFTWARE) :]).decode("latin-1")) or None
        elif kind in (b"tEXt", b"zTXt") and chunks.exif is None:
            chunks.exif = _raw_profile(kind, bytes(body))
        kinds.add(kind)
        position = end
    if b"IDAT" not in kinds or bytes(data[12:16]) != b"IHDR":
        raise UnreadableImageError("damaged PNG: holds no picture", path=path)
    return chunks


def _header(data: bytes, chunks: _Chunks) -> Header:
    width, height, bit_depth, colour_type = struct.unpack(">2I2B", data[16:26])
    tags = read_tags(chunks.exif)
    metadata = capture_metadata(
        tags, file_format="PNG", bit_depth=bit_depth, colour_profile=profile_name(chunks.icc)
    )
    return Header(
        width=width,
        height=height,
        channels=_CHANNELS[colour_type],
        exposure=exposure_from(tags),
        metadata=replace(metadata, software=metadata.software or chunks.software),
    )


def _inflated(data: bytes) -> bytes | None:
    """Inflate at most `_MAX_PROFILE` bytes; None if that is not all, or not zlib."""
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(data, _MAX_PROFILE)
    except zlib.error:
        return None
    return profile if inflater.eof else None


def _raw_profile(kind: bytes, body: bytes) -> bytes | None:
    """EXIF as ImageMagick and darktable wrote it before the eXIf chunk: hexadecimal text."""
    keyword, _, text = body.partition(b"\x00")
    if keyword not in (b"Raw profile type exif", b"Raw profile type APP1"):
        return None
    content = _inflated(text[1:]) if kind == b"zTXt" else text
    try:
        _, _, hexadecimal = (content or b"").lstrip(b"\n").split(b"\n", 2)
        return bytes.fromhex(hexadecimal.decode("ascii"))
    except ValueError:
        return None
