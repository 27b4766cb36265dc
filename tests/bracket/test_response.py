"""The camera's curve from histograms: found, in spite of motion and noise, or not claimed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ahdr_cli import Bracket
from ahdr_cli.bracket.response import estimate_response, sorted_sample
from ahdr_cli.radiometry.response import ResponseCurve

CURVES = {
    "assumed": ResponseCurve(),
    "camera": ResponseCurve(gamma=0.75, linear=1.2, square=0.8),
    "soft": ResponseCurve(gamma=1.2, linear=-0.25, square=1.5),
}


def _agree(found: ResponseCurve, true: ResponseCurve, *, within_ev: float) -> bool:
    """Whether two curves tell the same ratios of light, in the range that frames can tell."""
    values = np.linspace(0.06, 0.9, 50)
    apart = np.log2(found.decode(values) / true.decode(values))
    return float(np.ptp(apart)) < within_ev


@pytest.mark.parametrize("name", CURVES)
def test_finds_the_curve(photograph, name):
    estimate = estimate_response(photograph(CURVES[name]))
    assert estimate is not None
    assert _agree(estimate.curve, CURVES[name], within_ev=0.15)
    assert estimate.fitted_ev < 0.02
    assert estimate.steps == pytest.approx((4.0, 4.0), rel=0.02)


def test_with_the_assumed_curve_the_frames_agree(photograph):
    assert estimate_response(photograph(ResponseCurve())).assumed_ev < 0.02
    assert estimate_response(photograph(CURVES["camera"])).assumed_ev > 0.5


def test_shake_noise_and_a_passer_by_hardly_matter(photograph):
    estimate = estimate_response(photograph(CURVES["camera"], shake=3, noise=0.01, passer_by=True))
    assert _agree(estimate.curve, CURVES["camera"], within_ev=0.5)
    assert estimate.fitted_ev < 0.1


def test_sees_that_a_shutter_is_not_exact(photograph):
    estimate = estimate_response(photograph(CURVES["camera"], ratios=(1.0, 4.0, 19.0)))
    assert estimate.steps[1] / estimate.steps[0] == pytest.approx(4.75 / 4.0, rel=0.08)


def test_one_step_suffices_if_the_other_frame_shows_nothing(photograph):
    """A short frame that is black all over tells no step, and the recorded one is believed."""
    bracket = photograph(CURVES["camera"])
    black = np.zeros_like(bracket.frames[0].pixels)
    frames = (replace(bracket.frames[0], pixels=black), *bracket.frames[1:])
    estimate = estimate_response(Bracket.from_frames(frames))
    assert _agree(estimate.curve, CURVES["camera"], within_ev=0.15)
    assert estimate.steps[0] == pytest.approx(4.0, rel=1e-6)


def test_says_nothing_where_frames_have_no_values_in_common(make_frame):
    greys = {-4: 0.01, 0: 0.5, 4: 1.0}
    frames = [make_frame(ev, grey=grey, size=(40, 40)) for ev, grey in greys.items()]
    assert estimate_response(Bracket.from_frames(frames)) is None


@pytest.mark.parametrize("levels", [255, 4095, 65535, None])
def test_a_sample_is_sorted_channel_by_channel(levels):
    pixels = np.random.default_rng(4).random((600, 700, 3), np.float32)
    if levels is not None:
        pixels = np.round(pixels * levels).astype(np.uint16) / np.float32(levels)
    expected = np.sort(pixels[::2, ::2].reshape(-1, 3), axis=0)
    assert np.array_equal(sorted_sample(pixels), expected)
