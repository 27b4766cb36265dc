"""`ahdr eval`: the table, the files, and what it refuses."""

from __future__ import annotations

import csv
import json
import sys

import numpy as np
import pytest
import tifffile

from ahdr_cli import HdrImage, write_hdr
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
        (("--data", "synth:{set}", "--model", "none"), 2, "methods must be given"),
        (("--data", "synth:{set}", "--model", "none", "--baseline", "flow"), 2, "needs a model"),
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


def test_scenes_without_truth_point_to_no_reference(ahdr, dataset):
    (dataset / "first" / "HDRImg.hdr").unlink()
    arguments = ("--data", f"synth:{dataset}", "--model", "none", "--baseline", "triangle")
    result = ahdr("eval", *arguments, *FAST)
    assert result.exit_code == 3
    assert "--no-reference" in result.stderr
    assert ahdr("eval", *arguments, "--no-reference").exit_code == 0


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
