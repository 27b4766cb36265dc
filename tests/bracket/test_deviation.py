"""Small deviations of the curve: found where frames tell of them, and nothing made up elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from ahdr_cli.bracket.blocks import compare_blocks
from ahdr_cli.bracket.deviation import estimate_deviation
from ahdr_cli.bracket.matching import straighten
from ahdr_cli.bracket.noise import noise_between
from ahdr_cli.bracket.preparation import prepare
from ahdr_cli.radiometry.response import ResponseCurve
from ahdr_cli.radiometry.transfer import gamma_decode

NEAR = ResponseCurve(gamma=2.05, linear=0.5)
"""Up to 0.025 encoded units from γ 2.2."""

LEVELS = np.linspace(0.1, 0.9, 50)


def found(bracket):
    pairs = compare_blocks([frame.pixels for frame in bracket.frames], bracket.ratios).pairs
    return estimate_deviation(pairs, bracket.ratios, noise=noise_between(pairs))


def worst(curve):
    """Largest relative error of light against the camera's, above black."""
    return np.abs(np.log(curve.decode(LEVELS) / NEAR.decode(LEVELS))).max()


def test_a_curve_near_the_assumed_one_is_found(photograph):
    """Not all of it: few blocks tell, and a smaller deviation is more likely."""
    estimate = found(photograph(NEAR, noise=0.003))
    assert estimate is not None
    assert worst(estimate.curve) < 0.75 * worst(ResponseCurve())
    assert estimate.fitted_ev < 0.5 * estimate.assumed_ev < 0.1


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_frames_of_the_assumed_curve_are_left_alone(photograph, noise):
    assert found(photograph(ResponseCurve(), noise=noise)) is None
    assert found(photograph(ResponseCurve(), noise=noise, passer_by=True)) is None


def test_one_wrong_exposure_is_mostly_that(photograph):
    estimate = found(photograph(ResponseCurve(), ratios=(1.0, 4.0, 17.0), noise=0.003))
    assert estimate is not None
    assert estimate.steps[1] > 1.04 * estimate.steps[0]
    light = np.log(estimate.curve.decode(LEVELS)) - 2.2 * np.log(LEVELS)
    assert np.abs(light[LEVELS > 0.2]).max() < 0.06


def test_frames_that_do_not_tell(make_frame):
    frames = [make_frame(ev, grey=grey, size=(64, 64)) for ev, grey in ((-4, 0), (0, 0.5), (4, 1))]
    pairs = compare_blocks([frame.pixels for frame in frames], np.array([1.0, 16.0, 256.0])).pairs
    assert estimate_deviation(pairs, np.array([1.0, 16.0, 256.0]), noise=1e-4) is None


def test_straightened_frames_tell_light_in_proportion(photograph):
    bracket = photograph(NEAR, noise=0.003)
    pairs = compare_blocks([frame.pixels for frame in bracket.frames], bracket.ratios).pairs
    match = straighten(bracket, pairs, noise=noise_between(pairs))
    assert match is not None
    for taken, frame in zip(bracket.frames, match.bracket(bracket).frames, strict=True):
        seen = (taken.pixels > 0.1) & (taken.pixels < 0.9)
        truth = NEAR.decode(taken.pixels[seen].astype(np.float64))
        before, after = (
            np.abs(np.log(gamma_decode(pixels[seen].astype(np.float64)) / truth)).mean()
            for pixels in (taken.pixels, frame.pixels)
        )
        assert after < 0.75 * before


def test_it_is_the_default_and_can_be_left(photograph):
    bracket = photograph(NEAR, noise=0.003)
    prepared = prepare(bracket, align=False, response="auto")
    assert prepared.match is not None
    assert prepared.bracket.reference is not bracket.reference
    assert prepare(bracket, align=False, response="gamma").match is None
