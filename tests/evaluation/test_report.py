from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from ahdr_cli.errors import OutputExistsError
from ahdr_cli.evaluation.datasets import Dataset, EvaluationScene, SceneReader
from ahdr_cli.evaluation.evaluate import evaluate
from ahdr_cli.evaluation.measures import select_measures
from ahdr_cli.evaluation.methods import select_baselines
from ahdr_cli.evaluation.pictures import legend, sheet, worst_windows
from ahdr_cli.evaluation.report import FILES, Report


@pytest.fixture
def written(moving, tmp_path):
    bracket, truth = moving
    scene = EvaluationScene(name="<disc> & co", bracket=bracket, truth=truth)
    data = Dataset(spec="synth:set", readers=(SceneReader(scene.name, lambda: scene),))
    size = bracket.size
    report = Report(
        attention={"triangle": lambda _: (np.zeros(size, np.float32), np.ones(size, np.float32))}
    )
    found = evaluate(
        [data],
        select_baselines(["triangle", "reference", "mertens"]),
        select_measures("psnr-mu,fused-psnr"),
        consistency=True,
        on_scene=report.add,
    )
    folder = tmp_path / "report"
    return report, found, folder, report.write(folder, found)


def test_page_needs_nothing_from_outside(written):
    text = written[3].read_text(encoding="utf-8")
    words = re.sub(r"base64,[A-Za-z0-9+/=]*", "", text)
    assert not re.search(r"https?:|//[a-z]|<script|<link|@import|url\(", words)
    addresses = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert addresses
    assert all(address.startswith("data:image/") for address in addresses)


def test_pictures_are_pictures(written):
    text = written[3].read_text(encoding="utf-8")
    images = re.findall(r'src="data:image/(\w+);base64,([^"]*)" alt="([^"]*)"', text)
    captions = [caption for *_, caption in images]
    for wanted in (
        "short frame",
        "truth",
        "triangle",
        "mertens",
        "triangle: error",
        "triangle: consistency error",
        "triangle: attention, long, 0.97 to 1.02",
    ):
        assert wanted in captions, wanted
    assert "mertens: error" not in captions
    for kind, data, _ in images:
        image = Image.open(io.BytesIO(base64.b64decode(data)))
        image.load()
        assert image.format == kind.upper()


def test_names_are_escaped(written):
    text = written[3].read_text(encoding="utf-8")
    assert "&lt;disc&gt; &amp; co" in text
    assert "<disc>" not in text


def test_numbers_beside_the_page(written):
    _, found, folder, _ = written
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    plain = json.loads((folder / "evaluation.json").read_text())
    mean = plain["methods"]["triangle"]["mean"]["psnr-mu"]
    assert mean == found.mean("triangle", "psnr-mu")
    assert f"{mean:.2f}" in written[3].read_text(encoding="utf-8")


def test_a_report_is_not_replaced_unasked(written):
    report, found, folder, _ = written
    with pytest.raises(OutputExistsError):
        report.write(folder, found)
    report.write(folder, found, overwrite=True)


def test_worst_windows_finds_planted_errors_in_order():
    error = np.full((80, 100), 0.01, np.float32)
    error[10:18, 20:28] = 0.5
    error[60:68, 70:78] = 0.9
    first, second, third = worst_windows(error, side=8, count=3)
    assert first[1:] == (60, 70) and second[1:] == (10, 20)
    assert first[0] == pytest.approx(0.81, rel=1e-5)
    assert third[0] == pytest.approx(1e-4, rel=1e-3)
    assert worst_windows(np.zeros((4, 5), np.float32), side=8, count=2) == []


def test_legend_shows_every_colour_and_a_sheet_keeps_pixels():
    bar = legend(low=0, high=0.1, title="error", width=600)
    assert len(np.unique(bar[26, 10:-10], axis=0)) > 200
    red = np.full((20, 30, 3), (200, 0, 0), np.uint8)
    shown = sheet([[("a", red), ("b", red)], [("c", red)]], below=bar)
    assert (shown == (200, 0, 0)).all(axis=2).sum() == 3 * 20 * 30
