"""Response curves: the assumed one, inverses, curves that fall."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.radiometry.response import ResponseCurve
from ahdr_cli.radiometry.transfer import gamma_decode, gamma_encode

CAMERA = ResponseCurve(gamma=0.75, linear=1.2, square=0.8)
VALUES = np.linspace(0.0, 1.0, 101)

coefficients = st.tuples(st.floats(0.3, 3.0), st.floats(-2.0, 3.0), st.floats(-2.0, 3.0))


def test_without_coefficients_it_is_the_assumed_curve():
    np.testing.assert_allclose(ResponseCurve().decode(VALUES), gamma_decode(VALUES), atol=1e-10)
    np.testing.assert_allclose(ResponseCurve().encode(VALUES), gamma_encode(VALUES), atol=1e-4)


def test_a_camera_has_a_toe_and_a_shoulder():
    """Against the assumed curve shadows are darker, lights lighter and flatter."""
    light = np.array([0.001, 0.2, 1.0])
    dark, bright, white = CAMERA.encode(light) - gamma_encode(light)
    assert dark < -0.02
    assert bright > 0.02
    assert white == 0.0


def test_a_shoulder_adds_light_to_the_last_values_alone():
    plain, bent = (
        CAMERA.decode(VALUES),
        ResponseCurve(gamma=0.75, linear=1.2, square=0.8, shoulder=0.5).decode(VALUES),
    )
    below = np.log(bent / plain)[VALUES < 0.8]
    np.testing.assert_allclose(below, -0.5, atol=1e-9)  # both are 1 at white
    assert bent[-1] == plain[-1] == 1.0
    assert (np.diff(np.log(bent / plain)[VALUES > 0.8]) > 0).all()


@given(coefficients)
def test_decoding_undoes_encoding(values):
    curve = ResponseCurve(gamma=values[0], linear=values[1], square=values[2])
    if curve.rises:
        np.testing.assert_allclose(curve.encode(curve.decode(VALUES)), VALUES, atol=2e-4)


@given(coefficients)
def test_rises_says_whether_more_light_makes_larger_values(values):
    curve = ResponseCurve(gamma=values[0], linear=values[1], square=values[2])
    steps = np.diff(curve.decode(np.linspace(0.01, 1.0, 400)))
    if curve.rises:
        assert (steps > 0).all()
    elif steps.min() > 0:
        # It falls only where this is too coarse to see, or below its first value.
        e = np.linspace(0.0, 1.0, 4096)
        slope = curve.gamma + curve.linear * e + 2 * curve.square * e * e
        assert slope.min() == pytest.approx(0.0, abs=0.05)


def test_light_beyond_white_is_white_and_none_is_black():
    encoded = CAMERA.encode(np.array([0.0, 1.0, 7.0]))
    assert encoded[0] < 1e-4
    assert encoded[1:].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("gamma", [1.1, 1.8, 2.2, 2.5])
@pytest.mark.parametrize("stops", [0.5, 2.0])
def test_frames_of_another_gamma_are_apart_in_proportion(gamma, stops):
    """A pair of values s stops apart by x^γ is s · 2.2 / γ apart by x^2.2."""
    apart = ResponseCurve(gamma=gamma).apart_ev(stops)
    assert apart == pytest.approx(stops * abs(2.2 / gamma - 1), abs=1e-3)


def test_frames_that_share_no_value_are_not_apart():
    assert CAMERA.apart_ev(20.0) == 0.0
