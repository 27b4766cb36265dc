from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ahdr_cli.errors import OutputError, OutputExistsError, SizeMismatchError
from ahdr_cli.evaluation import baselines
from ahdr_cli.evaluation.consistency import measure_consistency
from ahdr_cli.evaluation.merge_report import report_merge, write_merge_report
from ahdr_cli.images import HdrImage


@pytest.fixture
def ghosting(moving):
    """A merge with ghosts, and its bracket."""
    bracket, _ = moving
    return HdrImage(baselines.triangle(bracket)), bracket


def test_numbers_are_those_of_consistency(ghosting):
    image, bracket = ghosting
    report = report_merge(image, bracket, moved_px=(1.25, 0.0), provenance={"model": "m"})
    found = report.to_dict()
    assert [frame["moved_px"] for frame in found["frames"]] == [1.25, 0.0, 0.0]
    assert [frame["ratio"] for frame in found["frames"]] == pytest.approx([1, 4, 16])
    for index, frame in enumerate(found["frames"]):
        expected = measure_consistency(image.pixels, bracket, index=index)
        assert (frame["psnr"], frame["ghosts"]) == (expected.psnr, expected.ghosts)
    assert found["merge"] == {"model": "m"}


def test_summary_speaks_of_the_middle_frame(ghosting):
    image, bracket = ghosting
    report = report_merge(image, bracket)
    middle = report.consistency[1]
    assert f"to {middle.psnr:.1f} dB" in report.summary()
    assert f"{100 * middle.ghosts:.2f} % of that are ghosts" in report.summary()
    white = np.ones_like(image.pixels)
    frames = tuple(replace(frame, pixels=white) for frame in bracket.frames)
    blind = report_merge(HdrImage(white), replace(bracket, frames=frames))
    assert "nothing to compare" in blind.summary()
    assert blind.to_html(title="all white")


def test_page_stands_alone_and_shows_the_worst_place(ghosting, tmp_path):
    image, bracket = ghosting
    report = report_merge(image, bracket, provenance={"model": "<m>"})
    frames = tuple(replace(frame, path=Path("private") / "a&b.jpg") for frame in bracket.frames)
    report = replace(report, bracket=replace(bracket, frames=frames))
    path = write_merge_report(tmp_path / "r.html", report, title="Merge: a & b")
    text = path.read_text(encoding="utf-8")
    words = re.sub(r"base64,[A-Za-z0-9+/=]*", "", text)
    assert not re.search(r"https?:|//[a-z]|<script|<link|@import|url\(", words)
    assert "<title>Merge: a &amp; b</title>" in text
    assert "<td>a&amp;b.jpg</td>" in text and "private" not in text
    assert "<m>" not in text and "&lt;m&gt;" in text
    assert "reference: consistency error" in text
    assert "Largest differences" in text


def test_a_perfect_merge_has_no_worst_place(static_bracket):
    image = HdrImage(baselines.reference_alone(static_bracket))
    report = report_merge(image, static_bracket)
    assert report.consistency[1].ghosts == 0
    assert "Largest differences" not in report.to_html(title="still")


def test_json_is_plain(ghosting, tmp_path):
    report = report_merge(*ghosting)
    path = write_merge_report(tmp_path / "r.JSON", report, title="unused")
    assert json.loads(path.read_text(encoding="utf-8")) == report.to_dict()


def test_refusals(ghosting, tmp_path):
    image, bracket = ghosting
    report = report_merge(image, bracket)
    with pytest.raises(OutputError, match=r"\.html or \.json"):
        write_merge_report(tmp_path / "r.pdf", report, title="t")
    write_merge_report(tmp_path / "r.json", report, title="t")
    with pytest.raises(OutputExistsError):
        write_merge_report(tmp_path / "r.json", report, title="t")
    with pytest.raises(SizeMismatchError):
        report_merge(HdrImage(image.pixels[:8]), bracket)
