"""Files for C++ libraries whose Python bindings take no name but text.

Names on Linux are bytes and need not be UTF-8; Python spells the rest in surrogates, which
OpenEXR's and LibRaw's bindings refuse.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["text_name"]


@contextmanager
def text_name(path: Path, *, flags: int = os.O_RDONLY) -> Iterator[str]:
    """A name of a file that is UTF-8, good for as long as the context lasts.

    Args:
        path: of the file. If it is not UTF-8, the file is opened here, and the system's name for
            what is open stands for its own.
        flags: of ``os.open``, for that case.

    Raises:
        OSError: it cannot be opened.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        descriptor = os.open(path, flags, 0o666)
        try:
            yield f"/dev/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        yield str(path)
