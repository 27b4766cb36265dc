"""Matched frames: they agree with the reference, highlights in proportion, white is white."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.bracket.matching import (
    APART_EV,
    MatchedPixels,
    linearise,
    match_if_apart,
    transfer_table,
)
from ahdr_cli.bracket.response import estimate_response
from ahdr_cli.radiometry.response import ResponseCurve
from ahdr_cli.radiometry.transfer import gamma_decode

CAMERA = ResponseCurve(gamma=0.75, linear=1.2, square=0.8)
LEVELS = np.linspace(0.0, 1.0, 65536)


def test_frames_of_the_assumed_curve_are_left_alone(photograph):
    assert match_if_apart(photograph(ResponseCurve())) is None


@pytest.mark.parametrize("stops", [1.0, 1.5, 2.0, 3.0, 4.0])
@pytest.mark.parametrize(
    ("curve", "matched"),
    [
        (ResponseCurve(), False),
        (ResponseCurve(gamma=1.22, linear=3.34, square=-1.28), False),  # near sRGB's
        (ResponseCurve(gamma=1.4, linear=0.8, square=0.3), True),
        (CAMERA, True),
    ],
)
def test_it_depends_on_the_curve_and_not_on_the_spacing(photograph, curve, matched, stops):
    assert (match_if_apart(photograph(curve, stops=stops)) is not None) == matched


def test_light_that_no_curve_explains_is_left_alone(photograph):
    """Clouds, or another white balance: the channels contradict each other."""
    bracket = photograph(ResponseCurve(), tint=(0.25, 1.0, 4.0))
    estimate = estimate_response(bracket)
    assert estimate.assumed_ev > APART_EV
    assert match_if_apart(bracket) is None


def test_outer_frames_tell_the_same_radiance_as_the_reference(photograph):
    bracket = photograph(CAMERA)
    match = match_if_apart(bracket)
    assert match is not None
    matched = match.bracket(bracket)
    assert matched.reference is bracket.reference
    light = [
        gamma_decode(frame.pixels.astype(np.float64)) / ratio
        for frame, ratio in zip(matched.frames, bracket.ratios, strict=True)
    ]
    seen = [(frame.pixels > 0.1) & (frame.pixels < 0.9) for frame in matched.frames]
    for outer in (0, 2):
        both = seen[outer] & seen[1]
        assert both.sum() > 1000
        apart = np.abs(np.log2(light[outer][both] / light[1][both]))
        assert np.median(apart) < 0.03
        assert np.percentile(apart, 95) < 0.12


def test_linear_frames_tell_light_in_proportion(photograph):
    bracket = photograph(CAMERA)
    frames = linearise(bracket).bracket(bracket).frames
    for frame, taken, ratio in zip(frames, bracket.frames, bracket.ratios, strict=True):
        seen = (taken.pixels > 0.1) & (taken.pixels < 0.9)
        told = gamma_decode(frame.pixels[seen].astype(np.float64)) / ratio
        light = CAMERA.decode(taken.pixels[seen].astype(np.float64)) / ratio
        apart = np.log2(told / light)
        # The frames tell ratios of light; how bright white is against the rest, they cannot.
        assert np.ptp(np.percentile(apart, (5, 95))) < 0.15
        assert abs(np.median(apart)) < 0.15


@pytest.mark.parametrize("way", [match_if_apart, linearise])
def test_a_further_frame_is_matched_as_those_of_the_bracket(photograph, way):
    bracket = photograph(CAMERA)
    match = way(bracket)
    # Shutters that are not quite what they say.
    steps = tuple(1.1 * step for step in match.estimate.steps)
    match = replace(match, estimate=replace(match.estimate, steps=steps))
    linear = way is linearise
    expected = transfer_table(
        match.estimate.curve, gain=0.25 / bracket.ratios[1], seen=0.25 / steps[0], linear=linear
    )
    np.testing.assert_array_equal(match.table_of(bracket, ratio=0.25), expected)
    same = replace(match, estimate=way(bracket).estimate).table_of(bracket, ratio=1.0)
    np.testing.assert_allclose(same, match.tables[0], atol=1e-6)


def test_sources_are_matched_box_by_box(photograph):
    bracket = photograph(CAMERA)
    match = match_if_apart(bracket)
    sources = match.pixels([frame.pixels for frame in bracket.frames])
    box = (slice(3, 20), slice(5, 9))
    for source, frame in zip(sources, match.bracket(bracket).frames, strict=True):
        assert source.shape == frame.pixels.shape
        np.testing.assert_array_equal(source[box], frame.pixels[box])


@given(st.floats(0.4, 3.0), st.floats(-0.5, 2.0), st.floats(-0.5, 2.0), st.floats(-4.0, 4.0))
def test_tables_never_fall_and_keep_black_and_white(gamma, linear, square, stops):
    curve = ResponseCurve(gamma=gamma, linear=linear, square=square)
    if not curve.rises:
        return
    table = transfer_table(curve, gain=2.0**stops, seen=2.0**stops)
    assert table.dtype == np.float32
    assert (np.diff(table) >= 0).all()
    assert (table[0], table[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("gain", [0.25, 1.0, 4.0])
def test_the_assumed_curve_changes_nothing(gain):
    table = transfer_table(ResponseCurve(), gain=gain, seen=gain)
    np.testing.assert_allclose(table, LEVELS, atol=2e-4)


def test_highlights_keep_their_proportions():
    """Beyond the reference's white the short frame tells light as the camera saw it."""
    table = transfer_table(CAMERA, gain=0.25, seen=0.25)
    values = np.array([0.85, 0.9, 0.97])
    light = CAMERA.decode(values) * 4.0
    assert (light > 1.0).all()
    told = gamma_decode(np.interp(values, LEVELS, table)) * 4.0
    np.testing.assert_allclose(told, light, rtol=2e-3)


def test_values_without_a_place_in_the_table_are_rounded():
    table = np.linspace(1.0, 0.0, 65536, dtype=np.float32)
    pixels = np.array([[[0.0, 0.5, 1.0], [1e-6, 0.25, 0.99999]]], np.float32)
    matched = MatchedPixels(pixels, table)[:, :]
    np.testing.assert_allclose(matched, 1.0 - pixels, atol=1e-5)
    assert matched.dtype == np.float32
