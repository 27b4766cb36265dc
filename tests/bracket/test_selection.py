"""What the frames of a scene are used for."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.bracket import Selection
from ahdr_cli.bracket.preparation import prepare
from ahdr_cli.errors import EqualExposuresError, FrameCountError, SizeMismatchError
from ahdr_cli.images import Exposure, Frame


def evs(frames):
    return [round(math.log2(frame.exposure.seconds)) for frame in frames]


def test_three_frames_are_merged_and_that_is_all(make_frame):
    frames = [make_frame(ev) for ev in (2, -2, 0)]
    selection = Selection.of(frames)
    assert evs(selection.bracket.frames) == [-2, 0, 2]
    assert selection.shorter == selection.unused == ()


def test_shorter_frames_extend_and_longer_ones_are_not_used(make_frame):
    frames = [make_frame(ev, name=f"{ev}.jpg") for ev in (4, -6, 0, -4, 2, -2, 6)]
    selection = Selection.of(frames)
    assert evs(selection.bracket.frames) == [-2, 0, 2]
    assert evs(selection.shorter) == [-4, -6]
    assert selection.unused == ("4.jpg", "6.jpg")
    off = Selection.of(frames, extend=False)
    assert off.shorter == ()
    assert off.unused == ("4.jpg", "-6.jpg", "-4.jpg", "6.jpg")


def test_of_equal_exposures_the_first_one_extends(make_frame):
    frames = [make_frame(ev, name=f"{i}") for i, ev in enumerate((-4, -4.05, 0, -2, -2, 2, 4))]
    selection = Selection.of(frames)
    assert selection.shorter == (frames[0],)
    assert selection.unused == ("1", "4", "6")


def test_a_frame_without_iso_does_not_make_another_one_shorter():
    """Left out, it no longer hides that the first frame's ISO makes it brighter than the second."""
    pixels = np.full((16, 16, 3), 0.5, np.float32)
    taken = ((0.25, 800), (1, 100), (4, 100), (16, 100), (64, None))
    frames = [Frame(pixels, Exposure(seconds=seconds, iso=iso)) for seconds, iso in taken]
    selection = Selection.of(frames)
    assert selection.bracket.frames == tuple(frames[1:4])
    assert selection.shorter == ()
    assert len(selection.unused) == 2
    frames[0] = replace(frames[0], exposure=Exposure(seconds=0.25, iso=100))
    selection = Selection.of(frames)
    assert selection.shorter == (frames[0],)
    prepare(selection.bracket, align=False, response="auto", shorter=selection.shorter)


@given(st.lists(st.integers(-30, 30), min_size=3, max_size=9))
def test_every_frame_is_used_once_or_named(thirds):
    pixels = np.full((2, 2, 3), 0.5, np.float32)
    frames = [Frame(pixels, Exposure.from_ev(third / 3)) for third in thirds]
    try:
        selection = Selection.of(frames)
    except EqualExposuresError:
        assert len(set(thirds)) < 3
        return
    used = [*selection.bracket.frames, *selection.shorter]
    assert len({id(frame) for frame in used}) + len(selection.unused) == len(frames)
    chain = [frame.exposure.ev for frame in (selection.bracket.frames[0], *selection.shorter)]
    assert all(shorter < longer for longer, shorter in pairwise(chain))


def test_too_few_or_unequal_frames(make_frame):
    with pytest.raises(FrameCountError):
        Selection.of([make_frame(0), make_frame(2)])
    frames = [make_frame(ev) for ev in (-2, 0, 2)]
    with pytest.raises(SizeMismatchError):
        Selection.of([*frames[:2], make_frame(2, size=(5, 6))])
    odd = make_frame(9, name="odd.jpg", size=(5, 6))  # which would not be used
    with pytest.raises(SizeMismatchError, match=r"odd\.jpg"):
        Selection.of([*frames, odd], extend=False)
