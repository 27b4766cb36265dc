"""What every reader checks before and while it decodes: the file, its dimensions, its errors.

Decoders are C libraries that meet hostile bytes. They are called only after the declared
dimensions are known to be sane, and whatever they raise leaves as one line of `AhdrError`.
"""

from __future__ import annotations

import math
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ahdr_cli.errors import (
    AhdrError,
    ImageTooLargeError,
    InputError,
    UnreadableImageError,
    reason_of,
)
from ahdr_cli.io.silence import without_warnings

__all__ = [
    "AS_PHOTOGRAPH",
    "MAX_PIXELS",
    "MIN_SIDE",
    "check_dimensions",
    "check_file",
    "check_samples",
    "decoding",
    "one_line",
]

MAX_PIXELS = 200_000_000
"""Largest picture read by default: twice a 100 MP medium-format frame, 2.4 GB as float32 RGB."""

MIN_SIDE = 16
"""Smallest photograph that can be merged, in pixels per side."""


AS_PHOTOGRAPH = "convert it to 16-bit TIFF or PNG, keeping the EXIF data"
"""The way out of a kind of picture that is not read."""


def one_line(text: object, *, limit: int = 160) -> str:
    """`text` as a single printable line of at most `limit` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def check_file(path: Path) -> int:
    """Size in bytes of a regular, non-empty file.

    A pipe or device is refused, because reading it could block for ever.

    Raises:
        InputError: the path does not lead to such a file.
        UnreadableImageError: the file is empty.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InputError("no such file", path=path) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"cannot be opened: {reason_of(error)}", path=path) from error
    if stat.S_ISDIR(status.st_mode):
        raise InputError("is a folder, expected an image file", path=path)
    if not stat.S_ISREG(status.st_mode):
        raise InputError("is not a regular file, expected an image file", path=path)
    if status.st_size == 0:
        raise UnreadableImageError("the file is empty", path=path)
    return status.st_size


def check_dimensions(
    width: int, height: int, *, path: Path, max_pixels: int, min_side: int = MIN_SIDE
) -> None:
    """Refuse declared dimensions that are too large or too small, before anything is decoded.

    Raises:
        UnreadableImageError: a side is zero or negative.
        ImageTooLargeError: more than `max_pixels`.
        InputError: a side is below `min_side`.
    """
    if width < 1 or height < 1:
        raise UnreadableImageError(f"declares {width}x{height} pixels", path=path)
    if width * height > max_pixels:
        # Rounded up, so that a picture barely too large is not said to have what is allowed.
        raise ImageTooLargeError(
            f"declares {width}x{height} pixels, {math.ceil(width * height / 1e4) / 100:g} MP, "
            f"expected at most {max_pixels / 1e6:g} MP",
            path=path,
            hint="scale it down or crop it",
        )
    if min(width, height) < min_side:
        raise InputError(
            f"is {width}x{height} pixels, expected at least {min_side}x{min_side}", path=path
        )


def check_samples(samples: int, *, path: Path, max_pixels: int) -> None:
    """Refuse pictures of sane dimensions with too many channels: four on average are allowed.

    Raises:
        ImageTooLargeError: more than four samples for each of `max_pixels`.
    """
    if samples > 4 * max_pixels:
        raise ImageTooLargeError(
            f"declares {samples / 1e6:.0f} million samples in all channels, "
            f"expected at most {4 * max_pixels / 1e6:g} million",
            path=path,
        )


@contextmanager
def decoding(path: Path, file_format: str) -> Iterator[None]:
    """Turn whatever a decoder raises into one `AhdrError`, and keep its warnings quiet.

    Raises:
        UnreadableImageError: the decoder failed.
        ImageTooLargeError: memory ran out.
    """
    try:
        with without_warnings():
            yield
    except AhdrError:
        raise
    except MemoryError as error:
        raise ImageTooLargeError("does not fit into memory", path=path) from error
    except PermissionError as error:
        raise InputError(f"cannot be opened: {reason_of(error)}", path=path) from error
    except Exception as error:  # decoders raise anything, from struct.error to SyntaxError
        words = one_line(error) or type(error).__name__
        # The key or index that a decoder did not find tells a user nothing.
        why = "" if isinstance(error, LookupError) and words.isdecimal() else f": {words}"
        raise UnreadableImageError(f"damaged or truncated {file_format}{why}", path=path) from error
