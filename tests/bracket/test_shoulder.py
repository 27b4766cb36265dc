"""The last values below white: what they lack is found, and nothing is claimed where it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ahdr_cli import Bracket, Exposure, Frame
from ahdr_cli.bracket.matching import linearise
from ahdr_cli.bracket.response import estimate_response
from ahdr_cli.bracket.shoulder import estimate_shoulder
from ahdr_cli.radiometry.response import ResponseCurve

CAMERA = ResponseCurve(gamma=0.9, linear=1.4, square=0.5)


def _template() -> Bracket:
    blank = np.zeros((240, 320, 3), np.float32)
    return Bracket.from_frames([Frame(blank, Exposure.from_ev(ev)) for ev in (-2, 0, 2)])


def lamp(curve: ResponseCurve) -> Bracket:
    """Three frames, 2 EV apart, of a lamp's glow at night: little of the picture is bright."""
    y, x = np.mgrid[:240, :320]
    far = np.hypot(x - 150.0, y - 110.0) / 12.0
    # Of a colour, so that the channels do not all have the same values.
    light = (30.0 / (1.0 + far**2.5) + 0.01)[..., None] * (1.0, 0.9, 0.8)
    template = _template()
    frames = []
    for frame, ratio in zip(template.frames, (0.25, 1.0, 4.0), strict=True):
        pixels = np.round(curve.encode(light * ratio) * 255) / 255
        frames.append(replace(frame, pixels=pixels.astype(np.float32)))
    return Bracket.from_frames(frames)


def found_in(bracket: Bracket) -> float:
    estimate = estimate_response(bracket)
    assert estimate is not None
    return estimate_shoulder(bracket, estimate)


@pytest.mark.parametrize("shoulder", [0.4, 0.6, 0.8])
def test_a_shoulder_is_found(shoulder):
    found = found_in(lamp(replace(CAMERA, shoulder=shoulder)))
    assert 0.6 * shoulder < found < 1.2 * shoulder  # the other terms make up for some of it


def test_none_is_claimed_without(photograph):
    assert found_in(lamp(CAMERA)) == 0.0
    for curve in (ResponseCurve(), CAMERA):
        assert found_in(photograph(curve)) < 0.1
        assert found_in(photograph(curve, shake=3, noise=0.01, passer_by=True)) < 0.1


def test_steps_that_disagree_are_not_believed():
    bracket = lamp(replace(CAMERA, shoulder=0.8))
    estimate = estimate_response(bracket)
    short, reference, long = bracket.frames
    dark = replace(short, pixels=short.pixels * np.float32(0.01))
    assert estimate_shoulder(replace(bracket, frames=(dark, reference, long)), estimate) == 0.0


def test_linear_light_has_no_step_where_the_reference_becomes_white():
    """Short and reference frame tell the same light up to the reference's last values."""
    bracket = lamp(replace(CAMERA, shoulder=0.6))
    match = linearise(bracket)
    short, reference, _ = (
        frame.pixels.astype(np.float64) for frame in match.bracket(bracket).frames
    )
    taken = bracket.reference.pixels
    near_white = (taken > 0.88) & (taken < 0.97)
    apart = np.log2(short[near_white] ** 2.2 * 4.0 / reference[near_white] ** 2.2)
    assert near_white.sum() > 100
    assert abs(np.median(apart)) < 0.15
