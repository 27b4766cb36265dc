"""Shorter frames made ready: aligned through each other, matched, made to agree, or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ahdr_cli.bracket import Bracket, shorter
from ahdr_cli.bracket.preparation import prepare
from ahdr_cli.errors import ExposureError, MissingExposureError, SizeMismatchError
from ahdr_cli.images import Exposure, Frame
from ahdr_cli.radiometry.response import ResponseCurve

CAMERA = ResponseCurve(gamma=0.75, linear=1.2, square=0.8)
EVS = (-6, -4, -2, 0, 2)


@pytest.fixture(scope="module")
def scene():
    """A dark room with windows of several brightnesses, and texture everywhere; in stops."""
    generator = np.random.default_rng(4)
    stops = generator.uniform(-6, 0, (24, 30))
    stops[4:10, 4:24] = generator.uniform(0.5, 5.5, (6, 20))
    light = 2.0 ** np.kron(stops, np.ones((12, 12)))
    fine = np.kron(generator.uniform(0.9, 1.1, (144, 180)), np.ones((2, 2)))
    return (light * fine)[..., None] * np.array((1.0, 0.9, 0.7))


def take(scene, *, curve=None, gains=None, shifts=None):
    """Frames of `EVS`, shortest first."""
    frames = []
    for index, ev in enumerate(EVS):
        top, left = (shifts or {}).get(ev, (0, 0))
        seen = scene[16 + top : 272 + top, 16 + left : 344 + left]
        light = np.clip(seen * 2.0**ev * (gains or {}).get(ev, 1.0), 0, 1)
        values = light ** (1 / 2.2) if curve is None else curve.encode(light)
        pixels = (np.rint(values * 255) / 255).astype(np.float32)
        frames.append(Frame(pixels, Exposure.from_ev(ev), path=Path(f"{index}.jpg")))
    return frames


def prepared(frames, *, align=False, response="auto"):
    bracket = Bracket.from_frames(frames[2:])
    return prepare(bracket, align=align, response=response, shorter=frames[:2])


def perfect(scene):
    """The merge of the three, (256, 328, 3)."""
    return np.minimum(scene[16:272, 16:344], 4.0).astype(np.float32)


def test_the_chain_goes_on_as_long_as_something_is_white(scene):
    ready = prepared(take(scene)).highlights
    assert [further.taken.name for further in ready.frames] == ["1.jpg", "0.jpg"]
    assert [further.ratio for further in ready.frames] == [2.0**-2, 2.0**-4]
    assert ready.frames[0].share > ready.frames[1].share > 0
    assert ready.spare == ready.concerns == ()
    radiance = perfect(scene)
    ready.raise_in(radiance)
    np.testing.assert_allclose(radiance, scene[16:272, 16:344], rtol=0.04)


def test_a_frame_that_cannot_add_anything_is_not_asked(scene):
    ready = prepared(take(np.minimum(scene, 12.0))).highlights
    assert [further.taken.name for further in ready.frames] == ["1.jpg"]
    assert ready.spare == ("0.jpg",)
    none = prepared(take(np.minimum(scene, 2.5))).highlights
    assert none.frames == ()
    assert none.spare == ("1.jpg", "0.jpg")


def test_what_moved_before_one_frame_the_next_may_show(scene):
    frames = take(np.full_like(scene, 30.0))
    frames[1].pixels[40:80, 40:80] = 0.1
    frames[0].pixels[60:100, 60:100] = 0.05
    radiance = np.full((256, 328, 3), 4.0, np.float32)
    prepared(frames).highlights.raise_in(radiance)
    np.testing.assert_allclose(radiance[120:, 120:], 30.0, rtol=0.03)
    np.testing.assert_allclose(radiance[40:58, 40:58], 30.0, rtol=0.03)  # by the shortest alone
    np.testing.assert_allclose(radiance[82:98, 82:98], 16.0, rtol=0.03)  # by the other one alone
    np.testing.assert_array_equal(radiance[62:78, 62:78], 4.0)  # nobody knows


def test_what_moved_leaves_no_outline_where_the_next_frame_shows_the_light(scene):
    light = np.full_like(scene, 12.0)
    light[:40] = 24.0  # so that the shortest is asked at all
    frames = take(light)
    y, x = np.mgrid[:256, :328]
    covered = np.clip(30.0 - np.hypot(x - 150, y - 120), 0, 1)[..., None]  # mixed at its edge
    frames[1].pixels[:] = ((1 - covered) * frames[1].pixels ** 2.2 + covered * (0.1 / 16)) ** (
        1 / 2.2
    )
    radiance = np.full((256, 328, 3), 4.0, np.float32)
    prepared(frames).highlights.raise_in(radiance)
    np.testing.assert_allclose(radiance[30:], 12.0, rtol=0.04)


def test_three_frames_have_nothing_to_raise_them(scene):
    bracket = Bracket.from_frames(take(scene)[2:])
    assert prepare(bracket, align=False, response="auto").highlights is None


def test_shutters_that_are_off_are_made_to_agree(scene):
    ready = prepared(take(scene, gains={-4: 1.1, -6: 0.9})).highlights
    # Each in terms of the three, however wrong the one before it was.
    assert [further.gain for further in ready.frames] == pytest.approx([1 / 1.1, 1 / 0.9], rel=0.02)
    radiance = perfect(scene)
    ready.raise_in(radiance)
    np.testing.assert_allclose(radiance, scene[16:272, 16:344], rtol=0.05)


def test_where_nothing_tells_the_gain_that_of_the_frame_before_counts(scene):
    """What is between the walls and the lamps would tell it, and there is nothing."""
    light = np.where(scene > 3.0, 40.0, scene)
    ready = prepared(take(light, gains={-4: 1.2, -6: 1.2})).highlights
    first, second = ready.frames
    assert first.gain == pytest.approx(1 / 1.2, rel=0.02)
    assert second.gain is None
    assert second.lit.white == pytest.approx(64.0 * first.gain)


def test_a_motion_that_is_too_far_to_be_believed_is_none(scene, monkeypatch):
    monkeypatch.setattr(shorter, "FARTHEST", 0.01)  # of 328 pixels
    shifts = {-4: (0, 2), -6: (0, 12)}
    ready = prepared(take(scene, shifts=shifts), align=True).highlights
    moved = [further.displacement for further in ready.frames]
    assert moved[0] == pytest.approx(2.0, abs=0.15)
    assert moved[1:] in ([], [moved[0]])  # left out, or where the one before it was


@pytest.mark.parametrize(("gain", "word"), [(3.0, "more"), (0.3, "less")])
def test_a_frame_whose_exposure_cannot_be_true_is_left_out(scene, gain, word):
    made = prepared(take(scene, gains={-4: gain}))
    assert [further.taken.name for further in made.highlights.frames] == ["0.jpg"]
    assert made.highlights.spare == ("1.jpg",)
    (concern,) = made.concerns
    assert concern.startswith(f"1.jpg shows 1.{'6' if gain > 1 else '7'} EV {word} light")


def test_a_frame_without_the_lights_of_the_others_is_left_out(scene):
    """Lamps that were switched off, or of which alignment found nothing."""
    frames = take(scene)
    frames[1] = replace(frames[1], pixels=np.minimum(frames[1].pixels, np.float32(0.4)))
    made = prepared(frames)
    assert [further.taken.name for further in made.highlights.frames] == ["0.jpg"]
    (concern,) = made.concerns
    assert concern.startswith("1.jpg is dark in ")
    assert concern.endswith("% of what is white in 2.jpg: it was not used for highlights")


def test_frames_are_aligned_through_each_other(scene):
    shifts = {-6: (5, -4), -4: (2, 3), -2: (-3, 1), 2: (1, 1)}
    made = prepared(take(scene, shifts=shifts), align=True)
    moved = [further.displacement for further in made.highlights.frames]
    expected = [np.hypot(*shifts[ev]) for ev in (-4, -6)]
    np.testing.assert_allclose(moved, expected, atol=0.15)
    radiance = perfect(scene)
    made.highlights.raise_in(radiance)
    inside = (slice(10, -10), slice(10, -10))
    off = np.abs(np.log2(radiance[inside] / scene[16:272, 16:344][inside]))
    assert np.quantile(off, 0.99) < 0.1
    left = prepared(take(scene, shifts=shifts)).highlights
    assert [further.displacement for further in left.frames] == [0, 0]


@pytest.mark.parametrize("response", ["auto", "linear"])
def test_a_cameras_curve_is_undone_as_in_the_other_frames(scene, response):
    made = prepared(take(scene, curve=CAMERA), response=response)
    assert made.match.way == ("matched" if response == "auto" else "linear")
    radiance = perfect(scene)  # above the reference's white both ways tell light
    made.highlights.raise_in(radiance)
    light = scene[16:272, 16:344]
    beyond = light.min(axis=2) > 5.0
    np.testing.assert_allclose(radiance[beyond], light[beyond], rtol=0.12)


def test_frames_that_do_not_go_with_the_bracket(scene):
    frames = take(scene)
    bracket = Bracket.from_frames(frames[2:])

    def ready(frame):
        return prepare(bracket, align=False, response="auto", shorter=[frame])

    with pytest.raises(SizeMismatchError, match="30x20 pixels, but"):
        ready(Frame(np.zeros((20, 30, 3), np.float32), Exposure.from_ev(-4)))
    with pytest.raises(ExposureError, match="not shorter than"):
        ready(Frame(frames[0].pixels, Exposure.from_ev(-2), path=Path("same.jpg")))
    with pytest.raises(MissingExposureError):
        ready(Frame(frames[0].pixels))
