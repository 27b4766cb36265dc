"""Decoders' warnings silenced, also from several threads at once.

``warnings.catch_warnings`` restores the filters that it found. Where two threads overlap, the last
to leave may so restore the other's silence, for good. Here the first to enter saves the filters and
silences, and the last to leave restores them.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_warnings"]

_LOCK = threading.Lock()
_within: list[warnings.catch_warnings[None]] = []
"""The filters that the first one saved, once for each context that is open."""


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
