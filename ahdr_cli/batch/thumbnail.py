"""Small pictures of the results, for the report."""

from __future__ import annotations

import secrets
from pathlib import Path, PurePosixPath

import numpy as np

from ahdr_cli.errors import OutputError, reason_of
from ahdr_cli.images import FloatArray, HdrImage
from ahdr_cli.io.place import make_folder

__all__ = ["THUMBNAIL_FOLDER", "shrink", "thumbnail_path", "write_thumbnail"]

THUMBNAIL_FOLDER = "report-files"
LONGEST_SIDE = 640
"""In pixels; twice the width of a card on the page, for dense screens."""


def thumbnail_path(folder: Path, output: PurePosixPath) -> Path:
    """Where the small picture of a result goes."""
    return folder / THUMBNAIL_FOLDER / f"{output}.jpg"


def write_thumbnail(path: Path, image: HdrImage, *, white: float, staging: Path) -> None:
    """Shrink, tonemap by μ-law as in the papers, and write a JPEG, replacing any other.

    Args:
        path: where to.
        image: the result.
        white: radiance that is shown white.
        staging: folder for unfinished files, on the same file system.

    Raises:
        OutputError: it cannot be written.
    """
    from ahdr_cli.io import write_preview
    from ahdr_cli.radiometry.tonemap import mu_law, to_uint8

    make_folder(path.parent)
    small = mu_law(shrink(image.pixels, longest=LONGEST_SIDE), white=white)
    unfinished = staging / f"{secrets.token_hex(8)}.jpg"
    write_preview(unfinished, to_uint8(small), image=image, quality=85)
    try:
        unfinished.replace(path)
    except OSError as error:
        raise OutputError(f"cannot be written: {reason_of(error)}", path=path) from error


def shrink(pixels: FloatArray, *, longest: int) -> FloatArray:
    """Averages of whole blocks, so that the longest side is at most `longest`.

    Light adds up: the mean of radiance is what a coarser sensor would have seen.

    Args:
        pixels: (H, W, 3) linear.
        longest: in pixels.
    """
    height, width = pixels.shape[:2]
    block = -(-max(height, width) // longest)
    if block == 1:
        return pixels
    rows, columns = max(1, height // block), max(1, width // block)
    # Slice upon slice, rows first: numpy's mean over the few pixels of a block is far slower.
    small = pixels[: rows * block, : columns * block]
    for parted in ((rows, -1, columns * block, 3), (rows, columns, -1, 3)):
        axis = parted.index(-1)
        first, *others = np.moveaxis(small.reshape(parted), axis, 0)
        small = first.astype(np.float32)
        for other in others:
            small += other
        small /= np.float32(len(others) + 1)
    return small
