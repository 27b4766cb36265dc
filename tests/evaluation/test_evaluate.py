from __future__ import annotations

import csv
import json
import math
from functools import partial

import numpy as np
import pytest

from ahdr_cli.errors import InputError, UsageError
from ahdr_cli.evaluation.causes import CAUSES
from ahdr_cli.evaluation.datasets import Dataset, EvaluationScene, SceneReader
from ahdr_cli.evaluation.evaluate import evaluate
from ahdr_cli.evaluation.measures import MEASURES, Viewing, fuse, select_measures
from ahdr_cli.evaluation.methods import BASELINES, Method, select_baselines, to_shortest_white
from ahdr_cli.metrics.perceptual import pu21_psnr, pu21_ssim
from ahdr_cli.metrics.psnr import psnr, psnr_mu
from ahdr_cli.metrics.ssim import ssim, ssim_mu


@pytest.fixture
def dataset(moving, make_static) -> Dataset:
    still, truth = make_static((64, 80), seed=3)
    scenes = [
        EvaluationScene(name="moving", bracket=moving[0], truth=moving[1]),
        EvaluationScene(name="still", bracket=still, truth=truth, labels={"motion": "static"}),
    ]
    return Dataset(
        spec="synth:x", readers=tuple(SceneReader(s.name, partial(lambda s: s, s)) for s in scenes)
    )


def test_table_equals_the_metric_functions(dataset):
    methods = select_baselines(["triangle", "reference"])
    found = evaluate([dataset], methods, select_measures("all"))
    display = Viewing().display
    functions = {
        "psnr-mu": psnr_mu,
        "psnr-l": psnr,
        "ssim-mu": ssim_mu,
        "ssim-l": ssim,
        "pu21-psnr": partial(pu21_psnr, display=display),
        "pu21-ssim": partial(pu21_ssim, display=display),
    }
    assert set(found.columns) == set(MEASURES) - {"cvvdp"}
    for result in found.results:
        scene = next(s for s in dataset if s.name == result.scene)
        prediction = to_shortest_white(BASELINES[result.method](scene), scene.bracket)
        for key, function in functions.items():
            assert result.values[key] == function(prediction, scene.truth), key
    for method in found.methods:
        for key in found.columns:
            values = [r.values[key] for r in found.results if r.method == method]
            assert len(values) == 2
            assert found.mean(method, key) == pytest.approx(sum(values) / 2, rel=1e-12)


def test_hdrvdp2_sees_a_better_merge(make_static):
    bracket, truth = make_static((64, 80))
    scene = EvaluationScene(name="a", bracket=bracket, truth=truth)
    data = Dataset(spec="x", readers=(SceneReader("a", lambda: scene),))
    methods = select_baselines(["reference", "triangle"])
    found = evaluate([data], methods, select_measures("hdr-vdp-2"))
    alone, merged = (r.values["hdr-vdp-2"] for r in found.results)
    assert 0 < alone < merged <= 100


def test_a_picture_is_scored_as_a_picture_only(dataset):
    methods = select_baselines(["mertens", "triangle"])
    found = evaluate([dataset], methods, select_measures("psnr-mu,fused-psnr,fused-ssim"))
    for result in found.of("mertens"):
        assert set(result.values) == {"fused-psnr", "fused-ssim"}
        assert not result.causes
    assert set(found.of("triangle")[0].values) == {"psnr-mu", "fused-psnr", "fused-ssim"}
    still = next(r for r in found.of("mertens") if r.scene == "still")
    ghost = next(r for r in found.of("mertens") if r.scene == "moving")
    assert still.values["fused-psnr"] > ghost.values["fused-psnr"] > 10


def test_fusing_the_truth_of_a_static_scene_gives_what_fusion_gives(make_static):
    bracket, truth = make_static((64, 80), bits=8)
    fused = BASELINES["mertens"](EvaluationScene(name="still", bracket=bracket))
    assert psnr(fuse(truth, bracket), fused) > 38


def test_causes_add_up_and_know_the_motion(dataset):
    found = evaluate([dataset], select_baselines(["triangle"]), select_measures("psnr-mu"))
    for result in found.results:
        scene = next(s for s in dataset if s.name == result.scene)
        pixels = scene.truth.shape[0] * scene.truth.shape[1]
        assert list(result.causes) == list(CAUSES)
        assert sum(share.pixels for share in result.causes.values()) == pixels
        error = sum(share.squared_error for share in result.causes.values())
        assert -10 * math.log10(error / (3 * pixels)) == pytest.approx(result.values["psnr-mu"])
    moving, still = found.results
    assert moving.causes["moving"].pixels > 200
    assert still.causes["moving"].pixels == still.causes["misaligned"].pixels == 0
    assert still.causes["well exposed"].psnr > 45
    assert found.causes("triangle")["moving"] == moving.causes["moving"]


def test_without_truth_only_consistency(moving):
    scene = EvaluationScene(name="a", bracket=moving[0])
    data = Dataset(spec="brackets:x", readers=(SceneReader("a", lambda: scene, has_truth=False),))
    methods = select_baselines(["reference", "triangle"])
    found = evaluate([data], methods, [], consistency=True)
    assert found.mean("triangle", "ghosts") > 2
    assert found.mean("reference", "ghosts") == 0
    assert found.best("ghosts") == {"reference"}
    assert found.results[0].consistency[1].error.size == 0  # maps are not kept
    with pytest.raises(InputError, match="no ground truth"):
        evaluate([data], methods, select_measures("psnr-l"))


def test_what_cannot_be_evaluated(dataset):
    twice = [BASELINES["triangle"], BASELINES["triangle"]]
    with pytest.raises(UsageError, match="different names"):
        evaluate([dataset], twice, select_measures("psnr-l"))
    with pytest.raises(UsageError, match="nothing to measure"):
        evaluate([dataset], twice[:1], [])
    with pytest.raises(UsageError, match="unknown metric 'lpips'"):
        select_measures("psnr-l,lpips")


def test_progress_and_visits(dataset):
    steps, visits = [], []
    evaluate(
        [dataset],
        select_baselines(["reference", "triangle"]),
        select_measures("psnr-l"),
        on_scene=visits.append,
        on_step=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [visit.scene.name for visit in visits] == ["moving", "still"]
    assert set(visits[0].radiance) == {"reference", "triangle"}


def test_json_and_csv(dataset):
    perfect = Method(
        name="oracle",
        summary="knows the truth",
        merge=lambda scene: scene.truth * np.float32(scene.bracket.ratios[1]),
    )
    methods = (perfect, *select_baselines(["mertens"]))
    found = evaluate([dataset], methods, select_measures("psnr-l,ssim-l"))
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["methods"]["oracle"]["mean"]["psnr-l"] is None  # infinite
    assert plain["methods"]["oracle"]["mean"]["ssim-l"] == pytest.approx(1)
    assert plain["methods"]["mertens"]["mean"] == {"psnr-l": None, "ssim-l": None}
    assert plain["settings"]["display"]["peak"] == Viewing().display.peak
    rows = list(csv.DictReader(found.to_csv().splitlines()))
    assert [(r["scene"], r["method"]) for r in rows][:2] == [
        ("moving", "oracle"),
        ("moving", "mertens"),
    ]
    assert float(rows[0]["ssim-l"]) == pytest.approx(1)
    assert rows[1]["ssim-l"] == ""
