"""The kind of a file, by its first bytes; the suffix only tells TIFF from RAW formats built on it.

Signatures are those of the formats' specifications; see also the freedesktop shared MIME data.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from ahdr_cli.errors import UnreadableImageError, UnsupportedFormatError
from ahdr_cli.io.exif import ExifTags, read_tags
from ahdr_cli.io.guard import AS_PHOTOGRAPH, check_file, decoding
from ahdr_cli.io.tiff import has_full_picture

__all__ = ["PHOTOGRAPHS", "READABLE", "FileKind", "sniff"]

PHOTOGRAPHS = "a photograph (JPEG, PNG, TIFF or RAW)"
"""What makes a bracket, in words."""

READABLE = "JPEG, PNG, TIFF, RAW, Radiance or OpenEXR"
"""All that is read, in words."""


class FileKind(Enum):
    """The kinds of file that ahdr reads."""

    JPEG = "JPEG"
    PNG = "PNG"
    TIFF = "TIFF"
    RAW = "RAW"
    RADIANCE = "Radiance HDR"
    EXR = "OpenEXR"


_READ = (
    (b"\xff\xd8\xff", FileKind.JPEG),
    (b"\x89PNG\r\n\x1a\n", FileKind.PNG),
    (b"#?", FileKind.RADIANCE),
    (b"\x76\x2f\x31\x01", FileKind.EXR),
    (b"FUJIFILMCCD-RAW", FileKind.RAW),  # RAF
    (b"IIRO", FileKind.RAW),  # ORF
    (b"IIRS", FileKind.RAW),
    (b"MMOR", FileKind.RAW),
    (b"IIU\x00", FileKind.RAW),  # RW2
    (b"FOVb", FileKind.RAW),  # X3F
    (b"\x00MRM", FileKind.RAW),  # MRW
    (b"II*\x00", FileKind.TIFF),
    (b"MM\x00*", FileKind.TIFF),
    (b"II+\x00", FileKind.TIFF),  # BigTIFF
    (b"MM\x00+", FileKind.TIFF),
)

_KNOWN = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"8BPS", "Photoshop"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"%PDF", "PDF"),
    (b"PF\n", "PFM"),
    (b"Pf\n", "PFM"),
    (b"P5\n", "PNM"),
    (b"P6\n", "PNM"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"qoif", "QOI"),
)

_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC"}

_VIDEO = "video"
_VIDEO_BRANDS = (b"isom", b"iso", b"mp4", b"avc", b"M4V", b"qt", b"3g", b"dash", b"MSNV", b"XAVC")
_VIDEO_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip")  # QuickTime without a brand
_MATROSKA = b"\x1aE\xdf\xa3"

_WAYS_OUT = {
    "PFM": "convert it to OpenEXR",
    _VIDEO: "save those frames as PNG that were exposed differently, and give --ev",
}

_RAW_SUFFIXES = frozenset(
    (
        *(".3fr", ".arw", ".cr2", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".k25", ".kdc", ".mef"),
        *(".mos", ".nef", ".nrw", ".pef", ".sr2", ".srf", ".srw"),
    )
)

_NEW_SUBFILE_TYPE, _PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 254, 262, 330, 50706
_SENSOR_DATA = (32803, 34892)  # colour filter array, linear raw


def sniff(path: Path, *, expected: str = READABLE) -> FileKind:
    """The kind of a file that can be read.

    Args:
        path: of the file.
        expected: what to ask for instead of pictures of another kind.

    Raises:
        InputError: no such file, a folder, no permission.
        UnreadableImageError: empty, or no picture.
        UnsupportedFormatError: a picture of another kind.
    """
    check_file(path)
    with decoding(path, "file"), path.open("rb") as stream:
        head = stream.read(32)
        for signature, kind in _READ:
            if head.startswith(signature):
                if kind is FileKind.TIFF:
                    stream.seek(0)
                    return _tiff_or_raw(path, head, read_tags(stream))
                return kind
    if head[4:12] == b"ftypcrx ":
        return FileKind.RAW  # CR3
    name = _foreign_name(head)
    if name is None:
        raise UnreadableImageError(
            f"is no picture that ahdr knows, begins with {head[:8]!r}", path=path
        )
    raise UnsupportedFormatError(
        f"is {'an' if name == 'AVIF' else 'a'} {name} file, expected {expected}",
        path=path,
        hint=_WAYS_OUT.get(name, AS_PHOTOGRAPH),
    )


def _tiff_or_raw(path: Path, head: bytes, tags: ExifTags) -> FileKind:
    """RAW if the directory declares sensor data, or a thumbnail of anything but a picture."""
    primary = tags.primary
    if head[8:10] == b"CR" or _DNG_VERSION in primary or primary.get(_PHOTOMETRIC) in _SENSOR_DATA:
        return FileKind.RAW
    thumbnail = primary.get(_NEW_SUBFILE_TYPE) == 1 and _SUB_IFDS in primary
    if thumbnail:
        return FileKind.TIFF if has_full_picture(path) else FileKind.RAW
    return FileKind.RAW if path.suffix.lower() in _RAW_SUFFIXES else FileKind.TIFF


def _foreign_name(head: bytes) -> str | None:
    for signature, name in _KNOWN:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    riff_video = head[:4] == b"RIFF" and head[8:12] == b"AVI "
    if riff_video or head.startswith(_MATROSKA) or head[4:8] in _VIDEO_BOXES:
        return _VIDEO
    if head[4:8] == b"ftyp":
        if head[8:12].startswith(_VIDEO_BRANDS):
            return _VIDEO
        return _BRANDS.get(head[8:12], "HEIF or video")
    return None
