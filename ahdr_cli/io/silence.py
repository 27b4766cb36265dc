"""Decoders' warnings, and the lines that C libraries print, silenced; also from several threads.

``warnings.catch_warnings`` restores the filters that it found. Where two threads overlap, the last
to leave may so restore the other's silence, for good. Here the first to enter saves the filters and
silences, and the last to leave restores them.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

__all__ = ["without_lines", "without_warnings"]

_STDERR = 2  # what C libraries write to, whatever sys.stderr is
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


@contextmanager
def without_lines(unwanted: re.Pattern[bytes]) -> Iterator[None]:
    """A context in which no line that matches reaches stderr, at the level of the system.

    All others, which may be another thread's, are written at the end. Only one thread at a time
    may be within: two redirections that overlap would leave stderr redirected.
    """
    with contextlib.ExitStack() as stack:
        try:
            kept = stack.enter_context(tempfile.TemporaryFile())
            stderr = os.dup(_STDERR)
        except OSError:  # there is no stderr, or no place to keep lines: all are let through
            yield
            return
        stack.callback(os.close, stderr)
        os.dup2(kept.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(stderr, _STDERR)
            _write_others(kept, unwanted)


def _write_others(kept: IO[bytes], unwanted: re.Pattern[bytes]) -> None:
    kept.seek(0)
    others = b"".join(line for line in kept if not unwanted.search(line))
    with contextlib.suppress(OSError):  # whoever read stderr has gone
        while others:
            others = others[os.write(_STDERR, others) :]
