"""Warnings are silenced for a while, and never for longer."""

from __future__ import annotations

import errno
import os
import re
import tempfile
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from ahdr_cli.io.silence import without_lines, without_warnings


def test_nothing_is_shown_within():
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with without_warnings():
            warnings.warn("a decoder's", stacklevel=1)
        warnings.warn("ours", stacklevel=1)
    assert [str(warning.message) for warning in shown] == ["ours"]


def test_threads_that_overlap_leave_the_filters_as_they_were():
    """The first leaves while the second is still within; `catch_warnings` would not bear that."""
    before = list(warnings.filters)
    first_is_within, second_is_within, first_has_left = (threading.Event() for _ in range(3))

    def first() -> None:
        with without_warnings():
            first_is_within.set()
            assert second_is_within.wait(10)
        first_has_left.set()

    def second() -> None:
        assert first_is_within.wait(10)
        with without_warnings():
            second_is_within.set()
            assert first_has_left.wait(10)
            assert warnings.filters[0][0] == "ignore"

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(first), pool.submit(second)]:
            done.result()
    assert warnings.filters == before


def test_an_error_ends_it_as_well():
    before = list(warnings.filters)
    with pytest.raises(ZeroDivisionError), without_warnings(), without_warnings():
        raise ZeroDivisionError
    assert warnings.filters == before


def test_lines_that_match_are_dropped_and_others_kept(capfd):
    with pytest.raises(ZeroDivisionError), without_lines(re.compile(rb"^lib")):
        os.write(2, b"library: this\nours\n")
        os.write(2, b"library: that\nours, unfinished")
        raise ZeroDivisionError
    os.write(2, b"\nlibrary: later\n")
    assert capfd.readouterr().err == "ours\nours, unfinished\nlibrary: later\n"


def test_without_a_place_to_keep_lines_they_are_let_through(capfd, monkeypatch):
    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with without_lines(re.compile(b".")):
        os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


def test_no_file_descriptor_is_left_open():
    def opened() -> int:
        """The number of the next descriptor."""
        descriptor = os.dup(0)
        os.close(descriptor)
        return descriptor

    before = opened()
    with without_lines(re.compile(b".")):
        pass
    assert opened() == before
