from __future__ import annotations

import numpy as np
import pytest

from ahdr_cli.errors import UsageError
from ahdr_cli.evaluation import baselines
from ahdr_cli.evaluation.datasets import EvaluationScene
from ahdr_cli.evaluation.methods import BASELINES, select_baselines, to_shortest_white
from ahdr_cli.metrics.psnr import psnr, psnr_mu


def shown(merge, bracket):
    return to_shortest_white(merge(bracket), bracket)


def test_triangle_recovers_static_radiance(make_static):
    bracket, truth = make_static((96, 128), bits=16)
    merged = shown(baselines.triangle, bracket)
    assert np.abs(merged - truth).max() < 1e-3
    assert psnr_mu(merged, truth) > 70


def test_triangle_of_eight_bits_beats_the_reference_alone(static_bracket, radiance):
    merged = psnr_mu(shown(baselines.triangle, static_bracket), radiance)
    alone = psnr_mu(shown(baselines.reference_alone, static_bracket), radiance)
    assert merged > 45
    assert merged > alone + 10


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_triangle_at_the_ends_of_every_range(make_static, value):
    from dataclasses import replace

    bracket, _ = make_static((16, 16))
    frames = tuple(replace(f, pixels=np.full_like(f.pixels, value)) for f in bracket.frames)
    merged = shown(baselines.triangle, replace(bracket, frames=frames))
    assert merged == pytest.approx(value)


def test_reference_alone_is_the_middle_frame(static_bracket):
    merged = baselines.reference_alone(static_bracket)
    assert np.array_equal(merged, static_bracket.reference.pixels ** np.float32(2.2))


def test_opencv_debevec_has_the_scale_of_the_reference(make_static):
    # The curve is estimated, so the bound is loose; the scale must not drift.
    bracket, truth = make_static((192, 256))
    merged = shown(baselines.debevec, bracket)
    middle = (truth > 0.004) & (truth < 0.5)
    ratio = merged[middle] / truth[middle]
    assert np.median(ratio) == pytest.approx(1, abs=0.1)
    assert np.percentile(ratio, 90) / np.percentile(ratio, 10) < 1.35


def test_opencv_robertson_has_the_scale_of_the_reference(make_static):
    bracket, truth = make_static((192, 256))
    merged = shown(baselines.robertson, bracket)
    middle = (truth > 0.004) & (truth < 0.5)
    assert np.median(merged[middle] / truth[middle]) == pytest.approx(1, abs=0.15)


def test_opencv_robertson_leaves_no_black_sun(make_static):
    bracket, truth = make_static((96, 128))
    sun = (truth >= 1).all(axis=2)
    assert sun.sum() > 10
    assert shown(baselines.robertson, bracket)[sun].min() > 0.9


def test_mtb_undoes_a_shift(make_static):
    from dataclasses import replace

    bracket, truth = make_static((192, 256))
    short, reference, long = bracket.frames
    moved = replace(
        bracket,
        frames=(
            replace(short, pixels=np.roll(short.pixels, (4, -6), (0, 1))),
            reference,
            replace(long, pixels=np.roll(long.pixels, (-3, 5), (0, 1))),
        ),
    )
    inside = (slice(10, -10), slice(10, -10))
    plain = shown(baselines.debevec, moved)[inside]
    aligned = shown(baselines.mtb_debevec, moved)[inside]
    assert psnr(aligned, truth[inside]) > psnr(plain, truth[inside]) + 3


def test_mertens_is_a_picture(static_bracket):
    fused = baselines.mertens(static_bracket)
    assert fused.shape == static_bracket.reference.pixels.shape
    assert fused.min() >= 0 and fused.max() <= 1
    # Fusion shows more than the reference does, in the shade and in the light.
    assert fused.std() > 0.05
    assert BASELINES["mertens"].is_picture


def test_motion_leaves_a_ghost_in_a_plain_merge(moving):
    bracket, truth = moving
    ghost = np.abs(shown(baselines.triangle, bracket) - truth)[40:56, 80:96].mean()
    alone = np.abs(shown(baselines.reference_alone, bracket) - truth)[40:56, 80:96].mean()
    assert ghost > 2 * alone


@pytest.mark.parametrize("name", [n for n in BASELINES if n != "mertens"])
def test_every_baseline_returns_finite_radiance(moving, name):
    merged = BASELINES[name](EvaluationScene(name="moving", bracket=moving[0]))
    assert merged.dtype == np.float32 and merged.shape == moving[1].shape
    assert np.isfinite(merged).all() and (merged >= 0).all()


def test_selection():
    assert [m.name for m in select_baselines(["triangle", "reference"])] == [
        "reference",
        "triangle",
    ]
    assert len(select_baselines(["all"])) == len(BASELINES)
    assert select_baselines(["flow"]) == ()
    with pytest.raises(UsageError, match="unknown baseline 'magic'"):
        select_baselines(["magic"])
