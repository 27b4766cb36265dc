"""Previews out: PNG or JPEG.

Both name the program that made them, so that nobody takes them for photographs.
imageio writes JPEG through its Pillow plugin, named so that it cannot fall back to another one,
and imagecodecs writes PNG.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.images import HdrImage
from ahdr_cli.io.atomic import atomic_path, check_output
from ahdr_cli.io.exif_block import exif_block
from ahdr_cli.io.software import SOFTWARE

__all__ = ["PREVIEW_SUFFIXES", "write_preview"]

PREVIEW_SUFFIXES = (".png", ".jpg", ".jpeg")
"""Suffixes that `write_preview` knows."""


def write_preview(
    path: str | Path,
    pixels_uint8: NDArray[np.uint8],
    *,
    image: HdrImage | None = None,
    overwrite: bool = False,
    quality: int = 95,
) -> Path:
    """Write a display-encoded picture, atomically.

    Args:
        path: where to, with suffix .png, .jpg or .jpeg.
        pixels_uint8: (H, W, 3) uint8 RGB, display-encoded.
        image: where the picture comes from: a JPEG gets its EXIF. None writes no EXIF.
        overwrite: whether an existing file may be replaced.
        quality: of JPEG, 1 to 100; from 90 on colour is stored at full resolution.

    Returns:
        The path written.

    Raises:
        OutputExistsError: the file exists and `overwrite` is False.
        OutputError: unknown suffix, missing or unwritable folder, full disk.
    """
    import imageio.v3 as iio

    if pixels_uint8.dtype != np.uint8 or pixels_uint8.ndim != 3 or pixels_uint8.shape[2] != 3:
        raise ValueError(
            f"pixels must be (H, W, 3) uint8, got {pixels_uint8.shape} {pixels_uint8.dtype}"
        )
    path = Path(path)
    check_output(path, overwrite=overwrite, suffixes=PREVIEW_SUFFIXES)
    with atomic_path(path, overwrite=overwrite) as temporary:
        if path.suffix.lower() == ".png":
            temporary.write_bytes(_png(pixels_uint8))
        else:
            # In memory, for imageio's writer complains again at the end where a disk was full.
            encoded = iio.imwrite(
                "<bytes>",
                pixels_uint8,
                plugin="pillow",
                extension=".jpg",
                quality=quality,
                subsampling=0 if quality >= 90 else 2,  # 4:4:4 or 4:2:0
                exif=b"" if image is None else exif_block(image),
            )
            assert encoded is not None  # bytes were asked for
            temporary.write_bytes(encoded)
    return path


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG file: a third of the time that Pillow takes at level 4, and no more bytes."""
    import imagecodecs

    encoded = imagecodecs.png_encode(
        np.ascontiguousarray(pixels), level=2, filter=imagecodecs.PNG.FILTER.UP
    )
    return b"".join((encoded[:_AFTER_IHDR], _named(), encoded[_AFTER_IHDR:]))


_AFTER_IHDR = 8 + 12 + 13  # the signature, and the first chunk with its 13 bytes


def _named() -> bytes:
    """The chunk that names the program."""
    body = b"tEXtSoftware\x00" + SOFTWARE.encode("latin-1")
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
