import dataclasses

import numpy as np
import pytest
import torch

from ahdr_cli.training.batch import Engine
from ahdr_cli.training.preview import naive_merge
from ahdr_cli.training.recipe import Recipe
from ahdr_cli.training.synthesis import SynthesisEngine

STATIC = Recipe(kinds=(1.0, 0.0, 0.0, 0.0))
TRIPOD_MOTION = Recipe(kinds=(0.0, 1.0, 0.0, 0.0))
HANDHELD = Recipe(kinds=(0.0, 0.0, 1.0, 0.0))
ALL_MOTION = Recipe(kinds=(0.0, 0.0, 0.0, 1.0))


@pytest.fixture(scope="module")
def engine(store):
    return SynthesisEngine(store, seed=5)


def _psnr_mu(a, b):
    a, b = (torch.log1p(5000.0 * x) / np.log1p(5000.0) for x in (a, b))
    return -10.0 * torch.log10((a - b).square().flatten(1).mean(1).clamp(min=1e-10))


def _white_share(engine, *, frame):
    """Share of white pixels in one frame of 200 samples."""
    batches = (engine.batch(range(first, first + 20), patch=48) for first in range(0, 200, 20))
    return torch.cat([(b.ldr[:, frame].amax(1) > 0.99).float().mean((1, 2)) for b in batches])


def _noiseless(plan):
    """The same bracket from a perfect camera."""
    zero = np.zeros(len(plan))
    return dataclasses.replace(
        plan,
        shot_noise=zero,
        read_noise=zero,
        response=np.zeros((len(plan), 3)),
        coding=np.zeros(len(plan), np.int64),
        exposure=plan.ratios,
    )


def test_shapes_and_ranges(engine):
    batch = engine.batch(range(40), patch=48)
    assert isinstance(engine, Engine)
    assert batch.ldr.shape == (40, 3, 3, 48, 48)
    assert batch.target.shape == (40, 3, 48, 48)
    for tensor in batch:
        assert tensor.dtype == torch.float32
        assert torch.isfinite(tensor).all()
    for tensor in (batch.ldr, batch.target):
        assert tensor.min() >= 0.0
        assert tensor.max() <= 1.0
    assert torch.all(batch.ratios[:, 0] == 1.0)
    assert torch.all(batch.ratios.diff(dim=1) > 0.9)


def test_the_same_index_is_the_same_sample(engine, store):
    first = engine.batch([2, 8, 5, 31], patch=48)
    again = SynthesisEngine(store, seed=5).batch([31, 8], patch=48)
    for one, other in zip(first, again, strict=True):
        # 8 and 16 bit rounding may fall the other way by one step.
        difference = (one[[3, 1]] - other).abs()
        assert difference.max() <= 1.5 / 255
        assert (difference > 1e-5).float().mean() < 1e-3


def test_another_seed_is_another_sample(engine, store):
    one = engine.batch([2], patch=32)
    other = SynthesisEngine(store, seed=6).batch([2], patch=32)
    assert (one.ldr - other.ldr).abs().mean() > 0.01


def test_a_static_bracket_agrees_with_its_truth(store):
    engine = SynthesisEngine(store, seed=1, recipe=STATIC)
    plan = _noiseless(engine.plan(range(24), size=(64, 64)))
    batch = engine.capture(plan, engine.render(plan))
    linear = batch.ldr.pow(2.2) / batch.ratios[:, :, None, None, None]
    readable = batch.ldr < 0.999
    assert readable.float().mean() > 0.3
    error = (linear - batch.target[:, None]).abs()
    # Half a step of 16 bits, where the curve is steepest, is 2.2 · 0.5 / 65535.
    assert error[readable].max() < 2e-5
    assert (batch.target[:, None].expand_as(linear)[~readable] > 0.99 * linear[~readable]).all()


def test_static_brackets_merge_well_without_care(store):
    engine = SynthesisEngine(store, seed=1, recipe=STATIC)
    batch = engine.batch(range(32), patch=64)
    assert _psnr_mu(naive_merge(batch), batch.target).median() > 40.0


def test_moving_brackets_do_not(store):
    engine = SynthesisEngine(store, seed=1, recipe=ALL_MOTION)
    batch = engine.batch(range(32), patch=64)
    assert _psnr_mu(naive_merge(batch), batch.target).median() < 30.0


def test_the_reference_shows_the_truth_in_every_kind(engine):
    """Through x^2.2 the reference is right on average, for all its noise and tone curves."""
    batch = engine.batch(range(120), patch=32)
    linear = batch.ldr[:, 1].pow(2.2) / batch.ratios[:, 1, None, None, None]
    readable = (batch.ldr[:, 1] > 0.2) & (batch.ldr[:, 1] < 0.9)
    ratio = torch.log2(linear[readable] / batch.target[readable].clamp(min=1e-6))
    assert ratio.median().abs() < 0.01
    assert ratio.abs().quantile(0.9) < 0.25


def test_no_frame_is_softer_than_the_others(store):
    """Sharpness must not tell the reference from the outer frames."""
    engine = SynthesisEngine(store, seed=3, recipe=HANDHELD)
    radiance = engine.render(engine.plan(range(80), size=(64, 64))).radiance.clamp(max=1.0).sqrt()
    detail = radiance.diff(dim=-1).diff(dim=-1).square().mean((0, 2, 3, 4)).sqrt()
    assert detail[[0, 2]].mean().item() == pytest.approx(detail[1].item(), rel=0.03)


def test_with_a_tripod_only_objects_differ(store):
    engine = SynthesisEngine(store, seed=4, recipe=TRIPOD_MOTION)
    plan = engine.plan(range(24), size=(64, 64))
    still = dataclasses.replace(plan, sway=np.zeros_like(plan.sway))
    rendering = engine.render(still)
    unmoved = (rendering.motion < 1e-3)[:, None, None]
    difference = (rendering.radiance - rendering.radiance[:, 1:2]).abs().clamp(max=1.0)
    outside = difference[unmoved.expand_as(difference)]
    inside = difference[(rendering.motion > 0.9)[:, None, None].expand_as(difference)]
    assert outside.mean() < 0.02 * inside.mean()
    assert 0.02 < rendering.motion.mean() < 0.5


def test_motion_often_crosses_what_the_reference_clips(store):
    engine = SynthesisEngine(store, seed=2, recipe=ALL_MOTION)
    crossing, possible = 0, 0
    for first in range(0, 200, 20):
        plan = engine.plan(range(first, first + 20), size=(64, 64))
        rendering = engine.render(plan)
        exposed = rendering.radiance.amax(2) * torch.tensor(plan.ratios[:, 1]).view(-1, 1, 1, 1)
        clipped = (exposed >= 1.0).any(1)
        crossed = (clipped & (rendering.motion > 0.5)).float().mean((1, 2))
        crossing += int((crossed > 0.01).sum())
        possible += int((clipped.float().mean((1, 2)) > 0.02).sum())
    assert possible > 80
    assert crossing > 0.6 * possible


def test_the_shortest_frame_rarely_clips_much(engine):
    clipped = torch.cat(
        [
            (engine.batch(range(i, i + 20), patch=48).ldr[:, 0].amax(1) > 0.995)
            .float()
            .mean((1, 2))
            for i in range(0, 200, 20)
        ]
    )
    assert clipped.median() < 0.02
    assert (clipped > 0.05).float().mean() < 0.25
    assert (clipped > 0.01).any()


def test_the_reference_is_seldom_white_all_over(engine):
    white = _white_share(engine, frame=1)
    assert (white > 0.9).float().mean() < 0.06
    assert (white > 0.02).float().mean() > 0.3


def test_patches_need_not_be_square(engine):
    plan = engine.plan([4], size=(40, 72))
    rendering = engine.render(plan)
    assert rendering.radiance.shape == (1, 3, 3, 40, 72)
    assert engine.capture(plan, rendering).ldr.shape == (1, 3, 3, 40, 72)


def test_patches_may_be_larger_than_the_scenes(engine):
    batch = engine.batch([0, 1], patch=400)
    assert torch.isfinite(batch.ldr).all()


@pytest.mark.parametrize("radiance", [1e-5, 0.18, 1e5])
def test_featureless_scenes_make_finite_samples(plain_store, radiance):
    batch = SynthesisEngine(plain_store(radiance), seed=0).batch(range(16), patch=32)
    assert all(torch.isfinite(tensor).all() for tensor in batch)
