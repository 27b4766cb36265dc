"""Guides, and registration of pictures so large that it is polished."""

from __future__ import annotations

import math
import tracemalloc

import cv2
import numpy as np
import pytest

from ahdr_cli.bracket import Bracket, guide
from ahdr_cli.bracket.align import Alignment, align_if_moved, estimate_motions
from ahdr_cli.bracket.guide import Guide, grey8
from ahdr_cli.bracket.motion import MovedPixels, RigidMotion
from ahdr_cli.bracket.pair import Pair, pyramid
from ahdr_cli.bracket.pair import moved as moved_to
from ahdr_cli.bracket.polish import polished
from ahdr_cli.images import Exposure, Frame

SIZE = (600, 800)
RATIOS = (0.25, 1.0, 4.0)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """Detail of every scale, as in photographs, in encoded values."""
    generator = np.random.default_rng(11)
    stops = np.full(SIZE, -2.5, np.float32)
    for octave in range(1, 8):
        coarse = generator.standard_normal((2**octave, 2**octave), np.float32)
        stops += cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC) * 1.2 / octave
    return np.repeat((2.0**stops)[..., None], 3, axis=2)


def photograph(scene: np.ndarray, motions: tuple[RigidMotion, ...]) -> Bracket:
    """Frames with noise, each of the scene as it lies after its motion."""
    generator = np.random.default_rng(4)
    frames = []
    for ratio, motion in zip(RATIOS, motions, strict=True):
        inverse = cv2.invertAffineTransform(motion.matrix)
        seen = cv2.warpAffine(
            scene,
            inverse,
            SIZE[::-1],
            flags=cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
        encoded = np.clip(seen * ratio, 0, 1) ** (1 / 2.2)
        encoded += generator.normal(0, 0.01, encoded.shape)
        pixels = np.round(np.clip(encoded, 0, 1) * 255).astype(np.float32) / np.float32(255)
        frames.append(Frame(pixels, exposure=Exposure(seconds=ratio)))
    return Bracket.from_frames(frames)


def corner_error(found: RigidMotion, true: RigidMotion) -> float:
    corners = np.array([(x, y, 1) for x in (0, SIZE[1]) for y in (0, SIZE[0])], float)
    return float(np.hypot(*(corners @ (found.matrix - true.matrix).T).T).max())


@pytest.mark.parametrize("most_pixels", [guide.MOST_PIXELS, 130_000])
@pytest.mark.parametrize(
    "motion",
    [
        RigidMotion.of_shift((1.25, -0.7)),
        RigidMotion.about((400, 300), radians=math.radians(0.3), shift=(9.4, -6.6)),
        RigidMotion.about((400, 300), radians=math.radians(-0.5), shift=(-31.0, 22.3)),
    ],
)
def test_motion_is_found_to_a_tenth_of_a_pixel(monkeypatch, scene, motion, most_pixels):
    """Also on guides of half the size, which are what large frames are aligned by."""
    monkeypatch.setattr(guide, "MOST_PIXELS", most_pixels)
    taken = photograph(scene, (motion, RigidMotion(), motion))
    for found in estimate_motions(taken):
        assert corner_error(found, motion) < 0.1


def test_noise_does_not_make_a_still_camera_move(scene):
    taken = photograph(scene, (RigidMotion(),) * 3)
    assert align_if_moved(taken).displacements == (0.0, 0.0)


def test_a_large_object_does_not_take_a_large_picture_along(scene):
    still = photograph(scene, (RigidMotion(),) * 3)
    frames = list(still.frames)
    texture = np.random.default_rng(9).uniform(0.1, 0.6, (50, 40)).astype(np.float32)
    for index, left in ((0, 200), (1, 206), (2, 212)):
        pixels = frames[index].pixels.copy()
        pixels[150:400, left : left + 200] = np.kron(texture, np.ones((5, 5)))[..., None] * (
            RATIOS[index] ** (1 / 2.2)
        )
        frames[index] = Frame(np.clip(pixels, 0, 1), exposure=frames[index].exposure)
    assert align_if_moved(Bracket.from_frames(frames)).displacements == (0.0, 0.0)


def test_polishing_never_leaves_a_better_motion(scene):
    motion = RigidMotion.of_shift((1.5, 0.5))
    taken = photograph(scene, (motion, RigidMotion(), motion))
    gain = float(taken.ratios[0] / taken.ratios[1])
    pair = Pair.of(
        pyramid(Guide.of(taken.reference.pixels))[0],
        pyramid(Guide.of(taken.frames[0].pixels, gain=gain))[0],
    )
    for begin in (RigidMotion(), motion, RigidMotion.of_shift((40.0, -40.0))):
        found = polished(pair, begin)
        where = pair.usable(found) & pair.usable(begin)
        after, before = (pair.disagreement(m, where=where) for m in (found, begin))
        assert after <= before


def test_a_sample_is_what_the_whole_picture_has_there(scene):
    motion = RigidMotion.about((300, 200), radians=0.01, shift=(3.25, -20.5))
    moved = photograph(scene, (motion, RigidMotion(), motion)).frames[2]
    level = pyramid(Guide.of(moved.pixels))[1]
    pair = Pair.of(level, level)
    places = np.random.default_rng(2).integers(0, level.image.shape[::-1], (500, 2)).T
    for image, flags in ((pair.moving, cv2.INTER_LINEAR), (pair.seen_moving, cv2.INTER_NEAREST)):
        whole = pair.undo(image, motion, flags)[places[1], places[0]]
        assert (whole == 0).any()  # some of it lies beyond the border
        sampled = pair.sample(image, moved_to(places.astype(np.float64), motion), flags)
        assert sampled == pytest.approx(whole, abs=1e-3)


def test_nothing_to_see_is_left_as_it_is():
    blank = pyramid(Guide.of(np.full((*SIZE, 3), 0.5, np.float32)))[0]
    pair = Pair.of(blank, blank)
    begin = RigidMotion.of_shift((1.0, 2.0))
    assert polished(pair, begin) is begin


def test_a_guide_is_the_mean_of_blocks(monkeypatch):
    monkeypatch.setattr(guide, "MOST_PIXELS", 40 * 30)
    pixels = np.random.default_rng(0).random((93, 122, 3), np.float32)
    small = Guide.of(pixels, gain=4.0)
    assert small.block == 4
    assert small.log_radiance.shape == small.grey.shape == small.seen.shape == (23, 30)
    means = pixels[:92, :120].reshape(23, 4, 30, 4, 3).mean(axis=(1, 3))
    weights = (0.2126, 0.7152, 0.0722)
    expected = np.log(means**2.2 @ weights / 4.0 + 0.04**2.2)
    assert small.log_radiance == pytest.approx(expected, abs=1e-5)
    peak = pixels.max(axis=2)[:92, :120]
    seen = ((peak < 0.98) & (peak > 0.04)).reshape(23, 4, 30, 4).mean(axis=(1, 3))
    assert small.seen == pytest.approx(seen, abs=1e-6)


def test_strips_make_no_difference(monkeypatch):
    pixels = np.random.default_rng(0).random((70, 50, 3), np.float32)
    whole, grey = Guide.of(pixels), grey8(pixels)
    monkeypatch.setattr(guide, "_STRIP", 300)
    parts = Guide.of(pixels)
    assert np.array_equal(parts.log_radiance, whole.log_radiance)
    assert np.array_equal(parts.grey, whole.grey)
    assert np.array_equal(parts.seen, whole.seen)
    assert np.array_equal(grey8(pixels), grey)


def test_memory_does_not_grow_with_the_frame(monkeypatch):
    """Beyond the frames themselves; what OpenCV allocates for itself is a strip."""
    monkeypatch.setattr(guide, "MOST_PIXELS", 20_000)
    monkeypatch.setattr(guide, "_STRIP", 20_000)
    peaks = []
    for side in (400, 1600):
        pixels = np.zeros((side, side, 3), np.float32)
        tracemalloc.start()
        Guide.of(pixels)
        MovedPixels(pixels, RigidMotion.of_shift((0.5, 0.5)))[100:200, 100:200]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_a_side_beyond_what_opencv_warps(scene):
    """Panoramas are long: OpenCV refuses sides from 32,767 on."""
    strip = np.tile(scene[:40, :600], (1, 56, 1))
    strip += np.linspace(0, 0.2, strip.shape[1], dtype=np.float32)[None, :, None]
    frames = []
    for ratio, shift in zip(RATIOS, (4, 0, -3), strict=True):
        pixels = np.clip(np.roll(strip, shift, axis=1) * ratio, 0, 1) ** np.float32(1 / 2.2)
        frames.append(Frame(pixels, exposure=Exposure(seconds=ratio)))
    taken = Bracket.from_frames(frames)
    aligned = Alignment(
        taken=taken,
        motions=(RigidMotion.of_shift((4.0, 0.0)), RigidMotion.of_shift((-3.0, 0.0))),
    ).bracket
    for index, ratio in ((0, RATIOS[0]), (2, RATIOS[2])):
        expected = np.clip(strip * ratio, 0, 1) ** np.float32(1 / 2.2)
        inside = (slice(None), slice(10, -10))
        assert aligned.frames[index].pixels[inside] == pytest.approx(expected[inside], abs=1e-5)
    assert align_if_moved(taken).taken is taken  # found or not, it does not fail
