"""Warnings of decoders kept quiet, from however many threads.

``warnings.catch_warnings`` puts back what it found, so that where two threads overlap, the last
to leave may put back the other's silence, for the whole process. Here the first to come saves and
silences, and the last to leave restores.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_warnings"]

_LOCK = threading.Lock()
_within: list[warnings.catch_warnings[None]] = []
"""What the first one saved, once for each that is within."""


@contextmanager
def without_warnings() -> Iterator[None]:
    """A context in which no warning is shown, by any thread."""
    with _LOCK:
        if _within:
            _within.append(_within[0])
        else:
            saved = warnings.catch_warnings()
            saved.__enter__()
            warnings.simplefilter("ignore")
            _within.append(saved)
    try:
        yield
    finally:
        with _LOCK:
            saved = _within.pop()
            if not _within:
                saved.__exit__(None, None, None)
