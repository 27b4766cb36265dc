"""Motions put together, and frames warped part by part."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.bracket.motion import MovedPixels, RigidMotion

SIZE = (90, 130)


def turned(degrees: float, shift: tuple[float, float]) -> RigidMotion:
    return RigidMotion.about((20.0, 30.0), radians=math.radians(degrees), shift=shift)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """Noise: every pixel differs from its neighbours."""
    return np.random.default_rng(2).random((*SIZE, 3), np.float32)


def test_about_turns_around_the_centre_and_then_shifts():
    motion = turned(30.0, (4.0, -2.0))
    assert motion.matrix @ (20.0, 30.0, 1.0) == pytest.approx((24.0, 28.0))
    assert motion.degrees == pytest.approx(30.0)


def test_after_is_one_motion_upon_the_other():
    one, two = turned(3.0, (1.5, -2.0)), turned(-7.0, (0.5, 4.0))
    point = np.array([11.0, 47.0])
    between = two.matrix @ (*point, 1.0)
    assert one.after(two).matrix @ (*point, 1.0) == pytest.approx(one.matrix @ (*between, 1.0))


@pytest.mark.parametrize("scale", [0.25, 2.0])
def test_a_scaled_motion_moves_the_same_places(scale):
    motion = turned(4.0, (6.0, 3.0))
    place = np.array([50.0, 12.0])  # with pixel centres at integers, corners are at -1/2

    def at_scale(point):
        return scale * (point + 0.5) - 0.5

    moved = motion.scaled(scale).matrix @ (*at_scale(place), 1.0)
    assert moved == pytest.approx(at_scale(motion.matrix @ (*place, 1.0)))


@given(
    degrees=st.floats(-20, 20),
    shift=st.tuples(st.floats(-200, 200), st.floats(-200, 200)),
    rows=st.tuples(st.integers(0, SIZE[0] - 1), st.integers(1, SIZE[0])),
    columns=st.tuples(st.integers(0, SIZE[1] - 1), st.integers(1, SIZE[1])),
)
def test_a_part_is_a_part_of_the_whole(picture, degrees, shift, rows, columns):
    """But for the last bit, which OpenCV's vector and scalar code round differently."""
    moved = MovedPixels(picture, turned(degrees, shift))
    box = tuple(slice(start, start + length) for start, length in (rows, columns))
    assert np.abs(moved[box] - moved[:, :][box]).max() < 5e-7


@pytest.mark.parametrize("motion", [turned(0.7, (3.3, -8.1)), turned(0.0, (-140.0, 2.0))])
def test_warping_is_that_of_opencv(picture, motion):
    smooth = cv2.GaussianBlur(picture, (0, 0), 2.0)
    theirs = cv2.warpAffine(
        smooth,
        motion.matrix,
        SIZE[::-1],
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    # Both round positions to 1/32 pixel, on other sides of a tie.
    assert MovedPixels(smooth, motion)[:, :] == pytest.approx(np.clip(theirs, 0, 1), abs=6e-3)


def test_whole_pixels_are_not_resampled(picture):
    moved = MovedPixels(picture, RigidMotion.of_shift((5.0, -3.0)))[:, :]
    assert np.array_equal(moved[3:, :-5], picture[:-3, 5:])
    assert np.array_equal(moved[0], np.vstack((picture[0, 5:], [picture[0, -1]] * 5)))
    assert moved.shape == MovedPixels(picture, RigidMotion()).shape == picture.shape


def test_overshoot_is_clipped():
    step = np.zeros((20, 20, 3), np.float32)
    step[:, 10:] = 1.0
    moved = MovedPixels(step, RigidMotion.of_shift((0.5, 0.0)))[:, :]
    assert moved.min() == 0.0 and moved.max() == 1.0


def test_distance_is_what_is_left_after_one_motion_and_before_the_other():
    one = RigidMotion.about((30, 20), radians=0.02, shift=(4.0, -3.0))
    assert one.distance(one, (40, 60)) == 0.0
    assert one.distance(RigidMotion(), (40, 60)) == pytest.approx(one.displacement((40, 60)))
    other = RigidMotion(one.matrix + np.array([[0, 0, 3.0], [0, 0, 4.0]]))
    assert one.distance(other, (40, 60)) == pytest.approx(5.0)
