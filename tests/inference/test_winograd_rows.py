"""Rows that go down a picture hold what will be read."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.inference.tiling import Box
from ahdr_cli.inference.winograd_rows import Rows
from ahdr_cli.inference.winograd_support import CHANNELS

PICTURE = np.arange(2 * 400 * 3 * CHANNELS, dtype=np.float32).reshape(2, 400, 3, CHANNELS)


@given(
    steps=st.lists(st.integers(0, 20), max_size=20),
    back=st.tuples(st.integers(0, 15), st.integers(0, 15)),
    reads=st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_rows_are_there_until_nobody_reads_them_again(steps, back, reads):
    """Of two groups, of which a reader looks back differently far, and not in every step."""
    rows = Rows(np.full((2, 400, 3, CHANNELS), np.nan, np.float32))
    end, needed = 0, [0, 0]
    for step, reading in zip(steps, reads, strict=False):
        for to, what in rows.descend():
            np.copyto(to, what)
        new = Box(end, 0, end + step, 3)
        rows.view(slice(None), new)[...] = PICTURE[:, *new.slices]
        end += step
        rows.written(slice(None), until=end)
        for group in range(2):
            old = Box(needed[group], 0, end, 3)
            one = slice(group, group + 1)
            np.testing.assert_array_equal(rows.view(one, old), PICTURE[one, *old.slices])
            if reading:
                needed[group] = max(end - back[group], 0)
                rows.read(one, again=needed[group])


def test_a_picture_of_any_height_takes_few_rows():
    rows = Rows(np.empty((1, 12, 3, CHANNELS), np.float32))
    for end in range(10, 1000, 10):
        for to, what in rows.descend():
            np.copyto(to, what)
        rows.written(slice(None), until=end)
        rows.read(slice(None), again=end - 2)
    assert rows.top == 978


def test_the_last_of_several_readers_counts():
    rows = Rows(np.empty((1, 40, 3, CHANNELS), np.float32))
    rows.written(slice(None), until=30)
    rows.read(slice(None), again=20)
    rows.read(slice(None), again=5)
    rows.read(slice(None), again=9)
    ((to, what),) = rows.descend()
    assert (rows.top, len(to), len(what)) == (5, 25, 25)
