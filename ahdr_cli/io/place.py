"""Where a path leads, with all links followed.

Not ``Path.resolve``, which fails on a link that leads to itself: such a link is nobody's business
until something is read from it, and then the reader says which file it is.
"""

from __future__ import annotations

import os
from pathlib import Path

from ahdr_cli.errors import UsageError

__all__ = ["real_path"]


def real_path(path: str | Path) -> Path:
    """The absolute path without links; of a loop, as far as it can be followed.

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
