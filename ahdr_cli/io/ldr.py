"""Photographs in: one function for every format, so that all frames are treated alike.

The content decides what a file is, not its suffix. Pixels come out as float32 RGB, upright,
display-encoded as stored; an embedded colour profile is noted and not applied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

from ahdr_cli.errors import AhdrError, UnsupportedFormatError, UsageError
from ahdr_cli.images import Exposure, Frame
from ahdr_cli.io.guard import MAX_PIXELS
from ahdr_cli.io.jpeg import read_jpeg, read_jpeg_header
from ahdr_cli.io.place import real_path
from ahdr_cli.io.png import read_png, read_png_header
from ahdr_cli.io.raster import Header, Raster
from ahdr_cli.io.raw import WhiteBalance, read_raw, read_raw_header, read_white_balance
from ahdr_cli.io.sniff import PHOTOGRAPHS, FileKind, sniff
from ahdr_cli.io.tiff import read_tiff, read_tiff_header

__all__ = ["HEADER_READERS", "read_frame", "read_frames"]

_AT_ONCE = 4  # photographs decoded at the same time; each takes memory of its own meanwhile


class _Decoder(Protocol):
    def __call__(self, path: Path, *, max_pixels: int) -> Raster: ...


_DECODERS: dict[FileKind, _Decoder] = {
    FileKind.JPEG: read_jpeg,
    FileKind.PNG: read_png,
    FileKind.TIFF: read_tiff,
    FileKind.RAW: read_raw,
}

HEADER_READERS: dict[FileKind, Callable[[Path], Header]] = {
    FileKind.JPEG: read_jpeg_header,
    FileKind.PNG: read_png_header,
    FileKind.TIFF: read_tiff_header,
    FileKind.RAW: read_raw_header,
}
"""Readers of what a photograph declares, without decoding it."""


def read_frame(
    path: str | Path, *, exposure: Exposure | None = None, max_pixels: int = MAX_PIXELS
) -> Frame:
    """Read one photograph: JPEG, PNG, TIFF or RAW.

    Args:
        path: the file.
        exposure: takes precedence over what the file says.
        max_pixels: refuse larger pictures before decoding them.

    Returns:
        A frame, upright; grey is spread to three channels, alpha is dropped. Its exposure is
        None if neither the file nor the caller says.

    Raises:
        InputError: no such file, not a file, smaller than 16×16 pixels.
        UnreadableImageError: damaged or truncated.
        UnsupportedFormatError: a picture of another kind, such as float TIFF.
        ImageTooLargeError: declared dimensions beyond `max_pixels`.
        MissingDependencyError: a RAW file without rawpy.
    """
    return _read(Path(path), exposure=exposure, max_pixels=max_pixels)


def _read(
    path: Path,
    *,
    exposure: Exposure | None,
    max_pixels: int,
    white_balance: WhiteBalance | None = None,
) -> Frame:
    """As :func:`read_frame`, RAW with a given white balance."""
    kind = sniff(path, expected=PHOTOGRAPHS)
    decoder = _DECODERS.get(kind)
    if kind is FileKind.RAW:
        decoder = partial(read_raw, white_balance=white_balance)
    if decoder is None:
        raise UnsupportedFormatError(
            f"is an HDR image ({kind.value}), expected {PHOTOGRAPHS}",
            path=path,
        )
    raster = decoder(path, max_pixels=max_pixels)
    return Frame(
        raster.to_rgb(),
        exposure=exposure or raster.header.exposure,
        path=path,
        metadata=raster.header.metadata,
    )


def read_frames(
    paths: Sequence[str | Path],
    *,
    exposures: Sequence[Exposure] | None = None,
    max_pixels: int = MAX_PIXELS,
    at_once: int = _AT_ONCE,
) -> list[Frame]:
    """Read several photographs, some at the same time: decoders run outside Python's lock.

    RAW files are all developed with the white balance of the first of them. A camera's automatic
    one may change from exposure to exposure, and would make what has not moved look as if it had.

    Args:
        paths: the files.
        exposures: one for each, taking precedence over what the files say.
        max_pixels: refuse larger pictures before decoding them.
        at_once: how many to decode at the same time; 1 starts no threads, for callers who have
            some.

    Returns:
        In the order of `paths`.

    Raises:
        UsageError: one file is given twice.
        And as :func:`read_frame`, for the first file that cannot be read.
    """
    _check_different(paths)
    given = [None] * len(paths) if exposures is None else exposures
    balance = _common_white_balance([Path(path) for path in paths])

    def read(path: str | Path, exposure: Exposure | None) -> Frame:
        return _read(Path(path), exposure=exposure, max_pixels=max_pixels, white_balance=balance)

    each_given = [*zip(paths, given, strict=True)]
    if at_once == 1:
        return [read(*each) for each in each_given]
    with ThreadPoolExecutor(at_once, thread_name_prefix="ahdr-read") as readers:
        waiting = [readers.submit(read, *each) for each in each_given]
        try:
            return [each.result() for each in waiting]
        except BaseException:
            readers.shutdown(cancel_futures=True)
            raise


def _check_different(paths: Sequence[str | Path]) -> None:
    """Not even with other exposures does a photograph tell anything twice."""
    seen: dict[Path, str | Path] = {}
    for path in paths:
        place = real_path(path)
        if place in seen:
            same = "" if str(seen[place]) == str(path) else f", also as {seen[place]}"
            raise UsageError(f"is given twice{same}", path=path)
        seen[place] = path


def _common_white_balance(paths: Sequence[Path]) -> WhiteBalance | None:
    """The white balance of the first RAW file, if there are several; None if it is unreadable."""
    try:
        raw = [path for path in paths if sniff(path) is FileKind.RAW]
        return read_white_balance(raw[0]) if len(raw) > 1 else None
    except AhdrError:
        return None  # whoever reads that file says why
