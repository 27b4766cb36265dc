from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.bracket import Bracket, select_three
from ahdr_cli.bracket.select import badly_exposed
from ahdr_cli.errors import EqualExposuresError, FrameCountError, MissingExposureError
from ahdr_cli.images import Exposure, Frame


def chosen_evs(frames):
    return tuple(round(math.log2(f.exposure.seconds), 6) for f in select_three(frames))


@pytest.mark.parametrize(
    ("evs", "expected"),
    [
        ((0, 2, 4), (0, 2, 4)),
        ((4, 0, 2), (0, 2, 4)),
        # Five in steps of 2: the middle, and one step to either side; 4 EV would be too far.
        ((-4, -2, 0, 2, 4), (-2, 0, 2)),
        # Five in steps of 1: the outermost are within reach.
        ((-2, -1, 0, 1, 2), (-2, 0, 2)),
        ((-3, -2, -1, 0, 1, 2, 3), (-3, 0, 3)),
        # Fine steps: not one third of a stop, but as far as there is.
        ((-1, -2 / 3, -1 / 3, 0, 1 / 3, 2 / 3, 1), (-1, 0, 1)),
        # Uneven: the reference is the one with neighbours at known spacings.
        ((0, 5, 7, 9), (5, 7, 9)),
        ((0, 2, 4, 9), (0, 2, 4)),
        # Nothing fits: the nearest to fitting.
        ((0, 5, 10, 15), (0, 5, 10)),
    ],
)
def test_choice_by_exposure(make_frame, evs, expected):
    assert chosen_evs([make_frame(ev) for ev in evs]) == tuple(round(e, 6) for e in expected)


def test_the_better_exposed_frame_is_the_reference(make_frame):
    # The middle by exposure (0 EV) is black all over; the frame 2 EV above it is not.
    greys = {-4: 0.0, -2: 0.0, 0: 0.0, 2: 0.3, 4: 0.7}
    assert chosen_evs([make_frame(ev, grey=g) for ev, g in greys.items()]) == (0, 2, 4)


def test_a_small_gain_does_not_move_the_reference(make_frame):
    frames = [make_frame(ev, size=(20, 20)) for ev in (-4, -2, 0, 2, 4)]
    frames[2].pixels[:5] = 1.0  # a quarter of the middle frame is clipped
    assert chosen_evs(frames) == (-2, 0, 2)
    frames[2].pixels[:7] = 1.0  # a third
    assert chosen_evs(frames) == (-4, -2, 0)


def test_rounded_shutter_times_do_not_decide(make_frame):
    """Steps that were meant to be equal, outside of the trained range."""

    def chosen(times, greys):
        frames = [
            replace(make_frame(0, grey=grey), exposure=Exposure(seconds=seconds))
            for seconds, grey in zip(times, greys, strict=True)
        ]
        return tuple(frame.exposure.seconds for frame in select_three(frames))

    # Steps of 4 EV, the last of which happen to be the smallest: 1/2 s is white all over.
    times = (1 / 8000, 1 / 500, 1 / 30, 1 / 2, 8)
    assert chosen(times, (0.05, 0.1, 0.4, 1.0, 1.0)) == times[1:4]
    # Thirds of a stop: as far as there is, and the middle is the reference.
    times = (1 / 60, 1 / 50, 1 / 40, 1 / 30, 1 / 25)
    assert chosen(times, (0.3, 0.4, 0.5, 0.6, 0.7)) == times[::2]


@given(
    st.lists(st.integers(-24, 24), min_size=3, max_size=9, unique=True).flatmap(
        lambda thirds: st.tuples(st.just(thirds), st.permutations(thirds))
    )
)
def test_order_does_not_matter_and_the_result_is_a_bracket(case):
    def frames(thirds):
        pixels = np.full((2, 2, 3), 0.5, dtype=np.float32)
        return [Frame(pixels, exposure=Exposure.from_ev(t / 3)) for t in thirds]

    one, other = case
    assert chosen_evs(frames(one)) == chosen_evs(frames(other))
    bracket = Bracket.from_frames(select_three(frames(one)))
    assert min(bracket.spacing_ev) > 0.3


def test_of_equal_exposures_the_first_is_taken(make_frame):
    frames = [make_frame(0), make_frame(0), make_frame(2), make_frame(4), make_frame(4)]
    short, reference, long = select_three(frames)
    assert short is frames[0]
    assert reference is frames[2]
    assert long is frames[3]


def test_too_few(make_frame):
    with pytest.raises(FrameCountError, match="2 frames given, expected at least 3"):
        select_three([make_frame(0), make_frame(2)])


def test_too_few_different_exposures(make_frame):
    with pytest.raises(EqualExposuresError, match="2 different exposures among 4 frames"):
        select_three([make_frame(ev) for ev in (0, 0, 2, 2)])


def test_missing_exposure(make_frame):
    with pytest.raises(MissingExposureError):
        select_three([make_frame(0), make_frame(1), make_frame(2), make_frame(None)])


def test_badly_exposed_counts_clipped_and_crushed_pixels():
    pixels = np.full((10, 10, 3), 0.5, dtype=np.float32)
    pixels[0, :, 1] = 1.0  # one clipped channel is enough
    pixels[1] = 0.01
    pixels[2, :, 0] = 0.0  # one dark channel is not
    assert badly_exposed(Frame(pixels)) == pytest.approx(0.2)


def test_badly_exposed_samples_large_frames():
    pixels = np.zeros((1200, 900, 3), dtype=np.float32)
    pixels[:600] = 0.5
    assert badly_exposed(Frame(pixels)) == pytest.approx(0.5, abs=0.005)
