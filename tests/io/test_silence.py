"""Warnings are silenced for a while, and never for longer."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from ahdr_cli.io.silence import without_warnings


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
