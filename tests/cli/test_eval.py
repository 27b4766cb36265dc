"""`ahdr eval`: the table, the files, and what it refuses."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import sys

import numpy as np
import pytest
import tifffile

from ahdr_cli import HdrImage, WriteOptions, read_hdr, write_hdr
from ahdr_cli.metrics.psnr import psnr_mu

RATIOS = (1, 4, 16)
FAST = ("--metrics", "psnr-mu,ssim-mu")


@pytest.fixture
def dataset(tmp_path):
    """Two static scenes of Kalantari's layout."""
    for number, name in enumerate(("first", "second")):
        folder = tmp_path / "set" / name
        folder.mkdir(parents=True)
        y, x = np.mgrid[0:40, 0:56]
        truth = np.clip(2.0 ** (-7 * (1 - x / 50) + np.sin(y / 4 + number)), 0, 1)
        truth = np.repeat(truth[..., None], 3, axis=2).astype(np.float32)
        for ratio in RATIOS:
            encoded = np.clip(truth * ratio, 0, 1) ** (1 / 2.2)
            tifffile.imwrite(
                folder / f"{ratio:02d}.tif", np.round(encoded * 65535).astype(np.uint16)
            )
        (folder / "exposure.txt").write_text("0\n2\n4\n")
        write_hdr(folder / "HDRImg.hdr", HdrImage(pixels=truth))
    return tmp_path / "set"


def test_table_has_every_method_and_metric(ahdr, dataset, tiny_model):
    result = ahdr(
        "eval", "--data", f"synth:{dataset}", "--model", tiny_model, "--baseline", "triangle",
        "--baseline", "flow", "--per-scene", *FAST,
    )  # fmt: skip # a command line reads best in few lines
    assert result.exit_code == 0, result.stderr
    for text in ("mean of 2 scenes", "PSNR-μ dB", "tiny", "tiny+flow", "triangle", "second"):
        assert text in result.stdout, text


def test_json_is_one_object_whose_numbers_are_the_metrics(ahdr, dataset):
    from ahdr_cli.evaluation.baselines import triangle
    from ahdr_cli.evaluation.datasets import open_dataset
    from ahdr_cli.evaluation.methods import to_shortest_white

    result = ahdr(
        "eval", "--data", f"kalantari:{dataset}", "--model", "none", "--baseline", "triangle",
        "--json", *FAST,
    )  # fmt: skip # as above
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    expected = [
        psnr_mu(to_shortest_white(triangle(scene.bracket), scene.bracket), scene.truth)
        for scene in open_dataset(f"kalantari:{dataset}")
    ]
    assert [row["psnr-mu"] for row in found["scenes"]] == pytest.approx(expected, rel=1e-12)
    assert found["methods"]["triangle"]["mean"]["psnr-mu"] == pytest.approx(np.mean(expected))
    assert list(found["methods"]) == ["triangle"]


def test_report_and_csv(ahdr, dataset, tiny_model, tmp_path):
    report, table = tmp_path / "report", tmp_path / "scores.csv"
    arguments = (
        "eval", "--data", f"synth:{dataset}", "--limit", 1, "--model", tiny_model, "--baseline",
        "mertens", "--report", report, "--thumbnail", 40, "--csv", table,
        "--metrics", "psnr-l,fused-ssim",
    )  # fmt: skip # as above
    result = ahdr(*arguments)
    assert result.exit_code == 0, result.stderr
    page = (report / "index.html").read_text(encoding="utf-8")
    assert "tiny: attention, short" in page and "mertens" in page
    for path in report.iterdir():
        assert str(tmp_path) not in path.read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [(row["scene"], row["method"]) for row in rows] == [
        ("first", "tiny"),
        ("first", "mertens"),
    ]
    again = ahdr(*arguments)
    assert again.exit_code == 6
    assert "--overwrite" in again.stderr
    assert ahdr(*arguments, "--overwrite").exit_code == 0


def test_no_reference_takes_a_bracket_of_photographs(ahdr, bracket):
    result = ahdr(
        "eval", "--no-reference", *bracket, "--model", "none", "--baseline", "reference",
        "--baseline", "triangle", "--json",
    )  # fmt: skip # as above
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["methods"]["reference"]["mean"]["ghosts"] == 0
    assert found["methods"]["triangle"]["mean"]["consistency"] > 30
    assert len(found["scenes"][0]["consistency"]) == 3


def test_auto_names_no_model_to_score(ahdr, dataset):
    result = ahdr("eval", "--data", f"synth:{dataset}", "--model", "auto")
    assert result.exit_code == 5
    assert "depends on the picture" in result.stderr
    assert "name one: " in result.stderr


def test_display_is_recorded_and_matters(ahdr, dataset):
    def run(*more):
        result = ahdr(
            "eval", "--data", f"synth:{dataset}", "--model", "none", "--baseline", "reference",
            "--metrics", "pu21-psnr", "--limit", 1, "--json", *more,
        )  # fmt: skip # as above
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    bright, dim = run(), run("--peak", 100, "--resolution", "3840x2160")
    assert dim["settings"]["display"]["peak"] == 100
    assert dim["settings"]["pixels_per_degree"] > 1.9 * bright["settings"]["pixels_per_degree"]
    assert dim["scenes"][0]["pu21-psnr"] != bright["scenes"][0]["pu21-psnr"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "no data"),
        (("--data", "nonsense"), 2, "KIND:DIR"),
        (("--data", "synth:absent"), 3, "no such folder"),
        (("--data", "synth:{set}", "--metrics", "vmaf"), 2, "unknown metric 'vmaf'"),
        (("--data", "synth:{set}", "--baseline", "magic"), 2, "unknown baseline 'magic'"),
        (("--data", "synth:{set}", "--model", "absent"), 5, "no model 'absent'"),
        (("--data", "synth:{set}", "--model", "none"), 2, "no method to score"),
        (("--data", "synth:{set}", "--model", "none", "--baseline", "flow"), 2, "needs a model"),
        (("--data", "synth:{set}", "--results", "a={set}/absent"), 3, "no such folder"),
        (("--data", "synth:{set}", "--results", "={set}"), 2, "NAME=DIR or DIR"),
        (("--data", "synth:{set}", "--results", "a={set}", "--results", "a={set}"), 2, "different"),
        (
            ("--data", "synth:{set}", "--results", "{set}", "--results-white", "long"),
            2,
            "white must be shortest or reference, got 'long'",
        ),
        (("--data", "synth:{set}", "--resolution", "big"), 2, "WIDTHxHEIGHT"),
        (("--data", "synth:{set}", "--peak", "-1"), 2, "finite and positive"),
        (("--data", "synth:{set}", "--no-reference", "--metrics", "psnr-l"), 2, "ground truth"),
        (("{set}/first/01.tif",), 2, "--no-reference"),
    ],
)
def test_refusals(ahdr, dataset, arguments, code, words):
    result = ahdr("eval", *(argument.format(set=dataset) for argument in arguments))
    assert result.exit_code == code, result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("ahdr: error: "), result.stderr
    assert words in lines[0]


def test_scenes_without_truth_point_to_no_reference(ahdr, dataset, monkeypatch):
    (dataset / "second" / "HDRImg.hdr").unlink()  # the last, and still nothing is merged
    monkeypatch.setattr(
        "ahdr_cli.evaluation.methods.Method.__call__", lambda self, s: pytest.fail("merged")
    )
    arguments = ("--data", f"synth:{dataset}", "--model", "none", "--baseline", "triangle")
    result = ahdr("eval", *arguments, *FAST)
    assert result.exit_code == 3
    assert "--no-reference" in result.stderr
    monkeypatch.undo()
    assert ahdr("eval", *arguments, "--no-reference").exit_code == 0


def test_a_scene_without_exposures_is_not_passed_over(ahdr, dataset):
    (dataset / "second" / "exposure.txt").unlink()
    arguments = ("--data", f"kalantari:{dataset}", "--model", "none", "--baseline", "triangle")
    result = ahdr("eval", *arguments, *FAST)
    assert result.exit_code == 3
    assert f"{dataset / 'second'}: exposure.txt is missing" in result.stderr


def test_models_of_one_name_are_told_apart_by_their_folders(ahdr, dataset, tiny_model, tmp_path):
    arguments = []
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        arguments += ["--model", shutil.copy(tiny_model, tmp_path / run / "best.safetensors")]
    result = ahdr("eval", "--data", f"synth:{dataset}", *arguments, "--json", *FAST)
    assert result.exit_code == 0, result.stderr
    methods = json.loads(result.stdout)["methods"]
    assert list(methods) == ["one/best", "two/best"]
    sha256 = hashlib.sha256(tiny_model.read_bytes()).hexdigest()
    assert sha256[:12] in methods["one/best"]["summary"]
    assert "align off, response auto" in methods["one/best"]["summary"]


@pytest.fixture
def theirs(dataset, tmp_path):
    """What some other program made of the data set, in units of the shortest frame's white."""
    folder = tmp_path / "theirs"
    (folder / "second").mkdir(parents=True)
    found = {}
    for name, path in (("first", "first.exr"), ("second", "second/out.hdr")):
        truth = read_hdr(dataset / name / "HDRImg.hdr").pixels
        write_hdr(folder / path, HdrImage(pixels=truth**1.01), options=WriteOptions(float32=True))
        found[name] = psnr_mu(np.clip(read_hdr(folder / path).pixels, 0, 1), truth)
    return folder, found


def test_results_of_another_program_are_scored(ahdr, dataset, theirs):
    folder, expected = theirs
    arguments = ("eval", "--data", f"kalantari:{dataset}", *FAST, "--json")
    result = ahdr(*arguments, "--results", f"paper={folder}", "--baseline", "reference")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert list(found["methods"]) == ["paper", "reference"]  # and not the default model
    rows = {row["scene"]: row for row in found["scenes"] if row["method"] == "paper"}
    for name, value in expected.items():
        assert rows[name]["psnr-mu"] == pytest.approx(value, abs=1e-3)
        assert rows[name]["seconds"] is None
    assert "shortest" in found["methods"]["paper"]["summary"]
    assert list(json.loads(ahdr(*arguments, "--results", folder).stdout)["methods"]) == ["theirs"]


def test_results_of_ahdr_have_the_references_white(ahdr, dataset, tmp_path):
    out = tmp_path / "ours"
    out.mkdir()
    for name in ("first", "second"):
        truth = read_hdr(dataset / name / "HDRImg.hdr").pixels
        write_hdr(out / f"{name}.tif", HdrImage(pixels=truth * np.float32(RATIOS[1])))
    result = ahdr(
        "eval", "--data", f"synth:{dataset}", "--results", out, "--results-white", "reference",
        "--metrics", "psnr-l", "--json",
    )  # fmt: skip # as above
    assert result.exit_code == 0, result.stderr
    assert [row["psnr-l"] for row in json.loads(result.stdout)["scenes"]] == [None, None]  # ∞


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (lambda f: (f / "second" / "out.hdr").unlink(), 3, "no results for the scene 'second'"),
        (
            lambda f: shutil.copy(f / "first.exr", f / "second" / "other.exr"),
            3,
            "2 results for the scene 'second', expected 1",
        ),
        (lambda f: (f / "second" / "out.hdr").write_bytes(b"nothing"), 3, "out.hdr"),
        (
            lambda f: write_hdr(
                f / "first.exr", HdrImage(np.ones((9, 9, 3), np.float32)), overwrite=True
            ),
            3,
            "has 9x9 pixels, the frames 56x40",
        ),
    ],
)
def test_results_that_cannot_be_scored(ahdr, dataset, theirs, damage, code, words):
    damage(theirs[0])
    result = ahdr("eval", "--data", f"synth:{dataset}", "--results", theirs[0], *FAST)
    assert result.exit_code == code, result.stderr
    (line,) = result.stderr.strip().splitlines()
    assert words in line


@pytest.fixture
def score_by_cvvdp(ahdr, dataset):
    """Ask for ColorVideoVDP; its one line on stderr."""

    def run():
        result = ahdr(
            "eval", "--data", f"synth:{dataset}", "--model", "none", "--baseline", "triangle",
            "--metrics", "psnr-mu,cvvdp",
        )  # fmt: skip # as above
        assert result.exit_code == 2
        (line,) = result.stderr.strip().splitlines()
        return line

    return run


def plant(folder, monkeypatch, source):
    """A package `pycvvdp` whose import does what `source` says."""
    folder.mkdir()
    (folder / "pycvvdp.py").write_text(source)
    monkeypatch.delitem(sys.modules, "pycvvdp", raising=False)
    monkeypatch.syspath_prepend(str(folder))


def test_colorvideovdp_says_what_is_missing(score_by_cvvdp, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycvvdp", None)
    line = score_by_cvvdp()
    assert "ColorVideoVDP cannot be imported: pycvvdp is not installed" in line
    assert "pip install 'ahdr[cvvdp]'" in line


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import torchvision_that_is_absent", "torchvision_that_is_absent is not installed"),
        (
            "raise RuntimeError('operator torchvision::nms\\n  does not exist')",
            "operator torchvision::nms does not exist",
        ),
    ],
)
def test_colorvideovdp_without_a_fitting_torchvision(
    score_by_cvvdp, monkeypatch, tmp_path, source, reason
):
    plant(tmp_path / "site", monkeypatch, source)
    line = score_by_cvvdp()
    assert reason in line
    assert "a torchvision that matches the installed torch" in line


def test_what_a_measure_needs_is_found_out_before_anything_is_merged(score_by_cvvdp, monkeypatch):
    def merge(_):
        raise AssertionError("merged before the check")

    monkeypatch.setitem(sys.modules, "pycvvdp", None)
    monkeypatch.setattr("ahdr_cli.evaluation.methods.Method.__call__", lambda self, b: merge(b))
    assert "cannot be imported" in score_by_cvvdp()
