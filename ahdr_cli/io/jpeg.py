"""JPEG, decoded by Pillow: it refuses every truncated file; OpenCV and imagecodecs grey it out.

The plugin class is used rather than ``Image.open``, whose own pixel limit is a process-wide
global. A file cut short and then closed with an end marker by a recovery tool cannot be told
from a whole one: JPEG has no checksum.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from ahdr_cli.errors import UnsupportedFormatError
from ahdr_cli.io.colour_profile import profile_name
from ahdr_cli.io.exif import capture_metadata, exposure_from, read_tags
from ahdr_cli.io.guard import AS_PHOTOGRAPH, check_dimensions, decoding
from ahdr_cli.io.raster import Header, Raster

if TYPE_CHECKING:
    from PIL.JpegImagePlugin import JpegImageFile

__all__ = ["read_jpeg", "read_jpeg_header"]


def read_jpeg_header(path: Path) -> Header:
    """Dimensions and EXIF, without decoding."""
    with decoding(path, "JPEG"), path.open("rb") as stream:
        return _header(_opened(stream, path))


def read_jpeg(path: Path, *, max_pixels: int) -> Raster:
    """Decode grey, colour and CMYK JPEG; CMYK by the plain formula, without its profile."""
    with decoding(path, "JPEG"), path.open("rb") as stream:
        picture = _opened(stream, path)
        header = _header(picture)
        check_dimensions(header.width, header.height, path=path, max_pixels=max_pixels)
        picture.load()
        decoded = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
        return Raster(header, np.asarray(decoded), 255)


def _opened(stream: IO[bytes], path: Path) -> JpegImageFile:
    """The parsed file; Pillow has no decoder for more than 8 bits, and says so."""
    from PIL.JpegImagePlugin import JpegImageFile

    try:
        return JpegImageFile(stream)
    except SyntaxError as error:
        bits = re.search(r"\d+(?=-bit layers)", str(error))
        if bits is None:
            raise
        raise UnsupportedFormatError(
            f"is a JPEG file of {bits[0]} bit, expected 8 bit", path=path, hint=AS_PHOTOGRAPH
        ) from error


def _header(picture: JpegImageFile) -> Header:
    tags = read_tags(picture.info.get("exif"))
    return Header(
        width=picture.width,
        height=picture.height,
        channels=len(picture.getbands()),
        exposure=exposure_from(tags),
        metadata=capture_metadata(
            tags,
            file_format="JPEG",
            bit_depth=8,
            colour_profile=profile_name(picture.info.get("icc_profile")),
        ),
    )
