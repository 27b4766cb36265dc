from __future__ import annotations

import itertools

import numpy as np
import pytest

from ahdr_cli.bracket import EQUAL_EV, Bracket
from ahdr_cli.errors import (
    EqualExposuresError,
    FrameCountError,
    MissingExposureError,
    SizeMismatchError,
)
from ahdr_cli.images import Exposure


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_frames_are_sorted_whatever_their_order(make_frame, order):
    frames = [make_frame(ev) for ev in (-2, 0, 3)]
    bracket = Bracket.from_frames([frames[i] for i in order])
    assert all(a is b for a, b in zip(bracket.frames, frames, strict=True))
    assert bracket.reference is frames[1]
    assert bracket.ratios.tolist() == [1.0, 4.0, 32.0]
    assert bracket.ratios.dtype == np.float64
    assert bracket.spacing_ev == (2.0, 3.0)
    assert bracket.size == (4, 6)


def test_order_follows_effective_exposure_not_shutter_time(make_frame):
    slow = make_frame(exposure=Exposure(seconds=1 / 30, iso=100, f_number=16))
    fast = make_frame(exposure=Exposure(seconds=1 / 250, iso=100, f_number=2.8))
    middle = make_frame(exposure=Exposure(seconds=1 / 60, iso=100, f_number=8))
    assert Bracket.from_frames([fast, slow, middle]).frames == (slow, middle, fast)


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_exactly_three(make_frame, count):
    with pytest.raises(FrameCountError, match=f"^{count} frames? given, expected exactly 3$"):
        Bracket.from_frames([make_frame(ev) for ev in range(count)])


def test_a_missing_exposure_is_named_with_the_way_out(make_frame):
    frames = [make_frame(0), make_frame(name="b.jpg"), make_frame(2)]
    with pytest.raises(MissingExposureError) as caught:
        Bracket.from_frames(frames)
    assert str(caught.value).startswith("b.jpg: ")
    assert "--exposures" in caught.value.hint
    assert "--ev" in caught.value.hint
    assert caught.value.exit_code == 4


def test_equal_exposures_name_both_files(make_frame):
    frames = [make_frame(0, name="a.jpg"), make_frame(2), make_frame(0, name="c.jpg")]
    with pytest.raises(EqualExposuresError) as caught:
        Bracket.from_frames(frames)
    assert "a.jpg" in str(caught.value)
    assert "c.jpg" in str(caught.value)


def test_what_counts_as_equal(make_frame):
    apart = [make_frame(0), make_frame(EQUAL_EV * 1.01), make_frame(2)]
    assert Bracket.from_frames(apart).spacing_ev[0] == pytest.approx(EQUAL_EV * 1.01)
    with pytest.raises(EqualExposuresError):
        Bracket.from_frames([make_frame(0), make_frame(EQUAL_EV * 0.99), make_frame(2)])


def test_sizes_must_agree(make_frame):
    frames = [make_frame(0, name="a.jpg"), make_frame(1, name="b.jpg", size=(4, 7)), make_frame(2)]
    with pytest.raises(SizeMismatchError, match=r"7x4 pixels, but a\.jpg has 6x4") as caught:
        Bracket.from_frames(frames)
    assert str(caught.value).startswith("b.jpg: ")
    assert caught.value.exit_code == 3


def test_a_turned_frame_is_recognised(make_frame):
    with pytest.raises(SizeMismatchError) as caught:
        Bracket.from_frames([make_frame(0), make_frame(1), make_frame(2, size=(6, 4))])
    assert "orientation" in caught.value.hint
