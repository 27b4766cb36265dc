import dataclasses

import numpy as np
import pytest

from ahdr_cli.training.plan import plan_batch
from ahdr_cli.training.recipe import KINDS, Recipe

COUNT = 600


@pytest.fixture(scope="module")
def plan(store):
    return plan_batch(store, range(COUNT), seed=1, size=(64, 64), recipe=Recipe())


def _of(plan, *kinds):
    return np.isin(plan.kind, [KINDS.index(kind) for kind in kinds])


def test_kinds_have_their_shares(plan):
    shares = np.bincount(plan.kind, minlength=4) / COUNT
    assert shares == pytest.approx(Recipe().kinds, abs=0.05)


def test_spacing(plan):
    steps = np.diff(np.log2(plan.ratios), axis=1)
    assert np.all(plan.ratios[:, 0] == 1.0)
    assert steps.min() >= 1.0 - 1e-9
    assert steps.max() <= 3.3 + 1e-9
    common = np.isclose(steps, 2.0).all(axis=1)
    assert common.mean() == pytest.approx(Recipe().common_spacing, abs=0.06)
    uneven = ~np.isclose(steps[:, 0], steps[:, 1])
    assert 0.08 < uneven.mean() < 0.25


def test_the_reference_never_moves_and_is_exposed_as_recorded(plan):
    assert not plan.shift[:, 1].any()
    assert not plan.tilt[:, 1].any()
    assert not plan.sway[:, 1, ..., 0].any()
    assert np.array_equal(plan.exposure[:, 1], plan.ratios[:, 1])
    assert not plan.layers.offset[:, 1].any()


def test_static_samples_are_still_quiet_and_true_to_gamma(plan):
    static = _of(plan, "static")
    assert not plan.shift[static].any()
    assert not plan.tilt[static].any()
    assert not plan.sway[static][..., 0].any()
    assert not plan.response[static].any()
    assert np.array_equal(plan.exposure[static], plan.ratios[static])
    assert not np.isin(plan.layers.owner, np.flatnonzero(static)).any()
    assert (plan.shot_noise[static] == 0.0).mean() == pytest.approx(0.15, abs=0.08)
    assert plan.shot_noise[static].max() < 5e-5


def test_cameras_shake_where_they_are_held_by_hand(plan):
    held = _of(plan, "handheld", "handheld-motion")
    assert plan.shift[held][:, [0, 2]].std() == pytest.approx(1.5, rel=0.1)
    assert np.degrees(plan.tilt[held][:, [0, 2]]).std() == pytest.approx(0.2, rel=0.1)
    assert not plan.shift[~held].any()


def test_objects_move_where_the_kind_says_so(plan):
    owners = np.unique(plan.layers.owner)
    assert np.array_equal(owners, np.flatnonzero(_of(plan, "tripod-motion", "handheld-motion")))
    counts = np.bincount(plan.layers.owner)[owners]
    assert counts.max() == 3
    distance = np.hypot(*plan.layers.offset[:, 0].T)
    assert 3.0 < np.median(distance) < 30.0
    alone = plan.layers.present.sum(axis=1) == 1
    assert 0.1 < alone.mean() < 0.3


def test_objects_are_cut_from_other_scenes(plan):
    assert np.all(plan.layers.scene != plan.scene[plan.layers.owner])


def test_exposure_placement(plan):
    assert np.mean(plan.stops < 0.0) == pytest.approx(0.33, abs=0.06)
    assert plan.stops.min() > -4.0
    assert np.mean(plan.stops > 0.0) == pytest.approx(0.12, abs=0.04)
    assert plan.percentile.min() >= 0.97
    assert plan.percentile.max() <= 0.999


def test_noise_reaches_phone_levels_and_no_further(plan):
    assert 5e-4 < plan.shot_noise.max() <= 1e-3
    assert plan.read_noise.max() <= 3e-3


def test_a_sample_is_planned_alike_in_any_company(store):
    make = lambda indices: plan_batch(  # noqa: E731 # a shorthand for three calls
        store, indices, seed=7, size=(64, 64), recipe=Recipe()
    )
    alone, together = make([11]), make([3, 11, 40])
    for field in dataclasses.fields(alone):
        one, three = getattr(alone, field.name), getattr(together, field.name)
        if isinstance(one, np.ndarray):
            assert np.array_equal(one, three[1:2]), field.name
    mine = together.layers.owner == 1
    assert len(alone.layers) == mine.sum()
    for field in dataclasses.fields(alone.layers):
        if field.name != "owner":
            one, three = (getattr(p.layers, field.name) for p in (alone, together))
            assert np.array_equal(one, three[mine]), field.name


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (256, 256), (300, 200)])
def test_patches_lie_inside_their_windows(store, size):
    plan = plan_batch(store, range(100), seed=2, size=size, recipe=Recipe())
    height, width = size
    corners = 0.5 * np.array([[x, y] for x in (-width, width) for y in (-height, height)])
    spots = np.einsum("nij,cj->nci", plan.read, corners) + plan.centre[:, None]
    assert spots.min() >= 0.0
    assert np.all(spots.max(axis=(0, 1)) <= [plan.window[1], plan.window[0]])


def test_patches_lie_inside_their_scenes_if_they_fit(store):
    plan = plan_batch(store, range(200), seed=2, size=(64, 64), recipe=Recipe())
    extent = store.sizes[plan.scene, plan.level]
    middle = plan.origin + plan.centre[:, ::-1]
    half = 32 * np.sqrt(np.abs(np.linalg.det(plan.read)))
    assert np.all(middle - half[:, None] >= -1.0)
    assert np.all(middle + half[:, None] <= extent + 1.0)
