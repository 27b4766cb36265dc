"""Places of files: where a path leads, and the folder of a result."""

from __future__ import annotations

import os
from pathlib import Path

from ahdr_cli.errors import OutputError, UsageError, reason_of

__all__ = ["check_folder", "make_folder", "real_path"]


def real_path(path: str | Path) -> Path:
    """The absolute path without links; of a loop, as far as it can be followed.

    Not ``Path.resolve``, which fails on a link that leads to itself: such a link is nobody's
    business until something is read from it, and then the reader says which file it is.

    Raises:
        UsageError: the path is relative, and the folder that we are in has been deleted.
    """
    try:
        return Path(os.path.realpath(path))
    except FileNotFoundError as error:
        raise UsageError(
            "the working directory does not exist any more",
            path=path,
            hint="change to a folder that exists",
        ) from error


def check_folder(folder: Path) -> None:
    """Find out before any work whether a folder is there or can be made.

    Raises:
        OutputError: neither; or the working directory has been deleted.
    """
    for place in (real := real_path(folder), *real.parents):
        if place.is_dir():
            if place != real and not os.access(place, os.W_OK | os.X_OK):
                raise OutputError(
                    f"the folder cannot be made: {place} may not be written", path=folder
                )
            return
        if os.path.lexists(place):
            raise OutputError(f"the folder cannot be made: {place} is none", path=folder)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, as far as they do not exist.

    Raises:
        OutputError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder cannot be made: {reason_of(error)}", path=folder) from error
