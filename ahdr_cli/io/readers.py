"""HDR images in: Radiance, OpenEXR and float TIFF, recognised by content."""

from __future__ import annotations

from pathlib import Path

from ahdr_cli.errors import UnsupportedFormatError
from ahdr_cli.images import HdrImage
from ahdr_cli.io.exr import read_exr
from ahdr_cli.io.float_tiff import read_float_tiff
from ahdr_cli.io.guard import MAX_PIXELS
from ahdr_cli.io.radiance import read_radiance
from ahdr_cli.io.sanitise import sanitised
from ahdr_cli.io.sniff import FileKind, sniff
from ahdr_cli.io.stored import HdrReader

__all__ = ["HDR_READERS", "read_hdr"]

HDR_READERS: dict[FileKind, HdrReader] = {
    FileKind.RADIANCE: read_radiance,
    FileKind.EXR: read_exr,
    FileKind.TIFF: read_float_tiff,
}
"""Readers of radiance exactly as stored."""


def read_hdr(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> HdrImage:
    """Read a Radiance, OpenEXR or float TIFF file.

    Args:
        path: the file.
        max_pixels: refuse larger images before decoding them.

    Returns:
        Linear radiance in the file's own scale and primaries; `colour_space` is "unknown" where
        those are not Rec. 709's. Negative values and NaN are read as 0, Inf as the largest
        float32.

    Raises:
        InputError: no such file, or not a file.
        UnreadableImageError: damaged or truncated.
        UnsupportedFormatError: not an HDR image, or one without R, G and B.
        ImageTooLargeError: declared dimensions beyond `max_pixels`.
    """
    path = Path(path)
    kind = sniff(path)
    reader = HDR_READERS.get(kind)
    if reader is None:
        raise UnsupportedFormatError(
            f"is a photograph ({kind.value}), expected an HDR image (.hdr, .exr or float .tif)",
            path=path,
        )
    stored = reader(path, max_pixels=max_pixels)
    return HdrImage(
        sanitised(stored.pixels),
        colour_space=stored.colour_space,
        exposure=stored.exposure,
        metadata=stored.metadata,
    )
