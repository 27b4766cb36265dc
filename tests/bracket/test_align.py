from __future__ import annotations

import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from ahdr_cli.bracket import Bracket
from ahdr_cli.bracket.align import Alignment, align_by_mtb, align_if_moved, estimate_motions
from ahdr_cli.bracket.motion import RigidMotion
from ahdr_cli.bracket.opencv import load_cv2
from ahdr_cli.errors import MissingDependencyError
from ahdr_cli.images import Exposure, Frame

RATIOS = (0.25, 1.0, 4.0)
SIZE = (240, 320)


def scene(shift=(0.0, 0.0), degrees=0.0) -> np.ndarray:
    """Smooth analytic radiance, so that it can be sampled anywhere exactly."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float64)
    angle = math.radians(degrees)
    u = math.cos(angle) * x + math.sin(angle) * y - shift[0]
    v = -math.sin(angle) * x + math.cos(angle) * y - shift[1]
    rng = np.random.default_rng(5)
    stops = np.full(SIZE, -2.5)
    for _ in range(60):
        cx, cy = rng.uniform(-20, SIZE[1] + 20), rng.uniform(-20, SIZE[0] + 20)
        width = rng.uniform(3, 14)
        stops += rng.uniform(-2, 2) * np.exp(-((u - cx) ** 2 + (v - cy) ** 2) / (2 * width**2))
    return 2.0 ** stops[..., None] * np.array([1.0, 0.9, 0.8])


def frame(radiance: np.ndarray, ratio: float) -> Frame:
    encoded = np.clip(radiance * ratio, 0, 1) ** (1 / 2.2)
    return Frame(
        pixels=(np.round(encoded * 255) / 255).astype(np.float32),
        exposure=Exposure(seconds=ratio),
    )


def bracket(**motion) -> Bracket:
    """Outer frames moved, the reference in place."""
    still, moved = scene(), scene(**motion)
    return Bracket.from_frames(
        [frame(moved, RATIOS[0]), frame(still, RATIOS[1]), frame(moved, RATIOS[2])]
    )


def corner_error(motion: RigidMotion, *, shift, degrees) -> float:
    """Largest distance at a corner between the found and the true position, in pixels."""
    angle = math.radians(degrees)
    # A point (x, y) of the reference lies where the moved scene samples it.
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    corners = np.array([(x, y) for x in (0, SIZE[1] - 1) for y in (0, SIZE[0] - 1)], float)
    true = (corners + np.array(shift)) @ turn.T
    found = corners @ motion.matrix[:, :2].T + motion.matrix[:, 2]
    return float(np.abs(found - true).max())


def test_mtb_comes_near_enough_for_ecc_to_start():
    for motion in align_by_mtb(bracket(shift=(6.0, -4.0))).motions:
        assert motion.shift == pytest.approx((6, -4), abs=2)


@pytest.mark.parametrize(
    ("shift", "degrees"), [((0.0, 0.0), 0.0), ((2.3, -1.6), 0.0), ((8.4, 5.7), 0.4)]
)
def test_ecc_finds_fractions_and_rotation(shift, degrees):
    for motion in estimate_motions(bracket(shift=shift, degrees=degrees)):
        assert corner_error(motion, shift=shift, degrees=degrees) < 0.15


def test_aligned_frames_look_like_frames_that_did_not_move():
    aligned = align_if_moved(bracket(shift=(5.5, 3.25), degrees=0.3)).bracket
    still = bracket()
    inside = (slice(12, -12), slice(12, -12))
    for ours, theirs in zip(aligned.frames, still.frames, strict=True):
        assert np.abs(ours.pixels - theirs.pixels)[inside].mean() < 0.004
        assert ours.exposure == theirs.exposure
        assert ours.pixels.min() >= 0 and ours.pixels.max() <= 1
    assert aligned.reference is not None
    assert np.array_equal(aligned.reference.pixels, still.reference.pixels)


def test_mtb_shifts_by_whole_pixels():
    for motion in align_by_mtb(bracket(shift=(3.4, 2.0), degrees=0.2)).motions:
        assert motion.degrees == 0
        assert all(value == int(value) for value in motion.shift)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_frames_that_show_nothing_are_left_alone(value):
    taken = bracket(shift=(4.0, 0.0))
    short = replace(taken.frames[0], pixels=np.full((*SIZE, 3), value, np.float32))
    blind = replace(taken, frames=(short, *taken.frames[1:]))
    assert align_if_moved(blind).motions[0].is_identity


def test_unrelated_pictures_are_not_made_worse():
    rng = np.random.default_rng(0)
    taken = bracket()
    noise = replace(taken.frames[2], pixels=rng.random((*SIZE, 3), dtype=np.float32))
    _, motion = estimate_motions(replace(taken, frames=(*taken.frames[:2], noise)))
    assert np.isfinite(motion.matrix).all()
    assert max(map(abs, motion.shift)) < 64


def test_identity_costs_nothing():
    taken = bracket()
    still = Alignment(taken=taken, motions=(RigidMotion(), RigidMotion()))
    assert all(a is b for a, b in zip(still.bracket.frames, taken.frames, strict=True))


@pytest.mark.parametrize("size", [(16, 16), (2, 2), (1, 40), (40, 1), (1, 1)])
def test_tiny_frames(size):
    small = [
        Frame(pixels=np.full((*size, 3), v, np.float32), exposure=Exposure(seconds=s))
        for v, s in ((0.2, 1), (0.4, 4), (0.8, 16))
    ]
    taken = Bracket.from_frames(small)
    still = align_if_moved(taken)
    assert still.bracket.size == size
    assert still.displacements == align_by_mtb(taken).displacements == (0, 0)


def test_missing_opencv_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingDependencyError, match="OpenCV cannot be imported"):
        load_cv2()


def test_pictures_with_nothing_in_common_are_left_alone():
    generator = np.random.default_rng(0)
    noise = Bracket.from_frames(
        [
            Frame(generator.random((*SIZE, 3), np.float32), exposure=Exposure(seconds=ratio))
            for ratio in RATIOS
        ]
    )
    alignment = align_if_moved(noise)
    assert alignment.displacements == (0.0, 0.0)
    assert all(
        np.array_equal(a.pixels, b.pixels)
        for a, b in zip(alignment.bracket.frames, noise.frames, strict=True)
    )


def test_a_still_bracket_is_not_resampled():
    still = bracket()
    alignment = align_if_moved(still)
    assert alignment.displacements == (0.0, 0.0)
    assert alignment.bracket.frames == still.frames


def test_only_what_moved_is_warped():
    moved = bracket(shift=(5.0, -3.0))
    half = replace(moved, frames=(moved.frames[0], moved.frames[1], frame(scene(), RATIOS[2])))
    alignment = align_if_moved(half)
    assert alignment.displacements == pytest.approx((math.hypot(5, 3), 0.0), abs=0.2)
    assert alignment.bracket.frames[1:] == half.frames[1:]


def test_displacement_is_that_of_the_farthest_corner():
    turned = RigidMotion(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]))
    assert turned.displacement((30, 40)) == pytest.approx(math.sqrt(2) * math.hypot(30, 40))
    assert RigidMotion().displacement((30, 40)) == 0


def test_an_object_that_moves_does_not_take_the_camera_along():
    """A textured object moves across the picture; the camera does not."""

    def with_object(left: int) -> np.ndarray:
        radiance = scene()
        texture = np.random.default_rng(9).uniform(0.2, 0.9, (15, 15))
        radiance[90:150, left : left + 60] = np.kron(texture, np.ones((4, 4)))[..., None]
        return radiance

    moved = [frame(with_object(100 + 4 * i), ratio) for i, ratio in enumerate(RATIOS)]
    alignment = align_if_moved(Bracket.from_frames(moved))
    assert alignment.displacements == (0.0, 0.0)
