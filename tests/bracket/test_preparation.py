"""Alignment and matching together: what was done, and the same frames by box and as a whole."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from ahdr_cli import Bracket
from ahdr_cli.bracket.preparation import RESPONSES, prepare
from ahdr_cli.images import Exposure, Frame
from ahdr_cli.radiometry.response import ResponseCurve

CAMERA = ResponseCurve(gamma=0.75, linear=1.2, square=0.8)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("response", RESPONSES)
def test_does_what_was_asked(photograph, align, response):
    prepared = prepare(photograph(CAMERA, shake=4), align=align, response=response)
    assert (prepared.displacements != ()) == align
    assert (prepared.matched_ev is None) == (response == "gamma")
    assert prepared.matched_ev is None or prepared.matched_ev > 0.5
    assert prepared.concerns == ()
    assert prepared.noise_levels > 0.01
    assert prepared.noise_levels < 3 or not align  # shake looks like noise
    np.testing.assert_allclose(prepared.conditions, [1, 4, 16, prepared.noise], rtol=1e-6)
    bracket = prepared.bracket
    for source, frame in zip(prepared.pixels, bracket.frames, strict=True):
        np.testing.assert_array_equal(source[0:96, 0:128], frame.pixels)
    assert (bracket.reference is prepared.taken.reference) == (response != "linear")
    assert (bracket is prepared.taken) == (not align and response == "gamma")


def test_says_if_the_curve_cannot_be_found(make_frame):
    frames = [
        make_frame(ev, grey=grey, size=(40, 40)) for ev, grey in ((-4, 0.01), (0, 0.5), (4, 1))
    ]
    prepared = prepare(Bracket.from_frames(frames), align=False, response="linear")
    assert prepared.match is None
    assert prepared.concerns == ("the frames do not tell the camera's curve: γ 2.2 is assumed",)


@pytest.mark.parametrize("response", ["auto", "linear"])
@pytest.mark.parametrize("order", [1, -1])
def test_pure_colours_are_no_numerical_accident(response, order):
    """A channel that is 0 tells nothing, least of all with exposures in the wrong order."""
    light = np.linspace(0.01, 0.3, 160 * 160, dtype=np.float32).reshape(160, 160, 1)
    light = light * np.array([1.0, 0.4, 0.0], np.float32)
    generator = np.random.default_rng(3)
    frames = []
    for ev in (-2, 0, 2):
        taken = light * 2.0 ** (order * ev)
        taken = taken + (light > 0) * generator.normal(0, 0.002, light.shape)
        encoded = np.rint(np.clip(taken, 0, 1) ** (1 / 2.2) * 255) / 255
        frames.append(Frame(encoded.astype(np.float32), exposure=Exposure(seconds=2.0**ev)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepared = prepare(Bracket.from_frames(frames), align=False, response=response)
    assert np.isfinite(prepared.conditions).all()
    assert all(np.isfinite(pixels[0:160, 0:160]).all() for pixels in prepared.pixels)
