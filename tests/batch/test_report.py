from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import numpy as np
import pytest

from ahdr_cli.batch import Plan, PlannedSet, SetResult, Shard, make_plan, run_sets, write_report
from ahdr_cli.batch.page import render_page
from ahdr_cli.batch.report import summarise
from ahdr_cli.batch.thumbnail import shrink
from ahdr_cli.bracket.grouping import LeftOut
from ahdr_cli.errors import OutputExistsError, UnreadableImageError


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag: str, attribute: str) -> list[str]:
        return [
            found[attribute] or ""
            for name, found in self.tags
            if name == tag and found.get(attribute)
        ]


@pytest.fixture
def reported(card, tmp_path, options) -> tuple[Path, Plan]:
    (card / "IMG_0005.jpg").write_bytes((card / "IMG_0005.jpg").read_bytes()[:-200])
    (card / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    out = tmp_path / "out"
    options = replace(options, reference_ev=-5.0)
    plan = make_plan([card], out)
    results = list(run_sets(plan.sets, out, options=options))
    write_report(out, plan, results[::-1], options=options, seconds=2.0)
    return out, plan


def test_json_holds_everything_in_the_order_of_the_plan(reported):
    out, _ = reported
    report = json.loads((out / "report.json").read_text())
    assert report["summary"] | {"images_per_second": None} == {
        "done": 2,
        "skipped": 0,
        "failed": 1,
        "waiting": 0,
        "left_out": 0,
        "unreadable": 1,
        "seconds": 2.0,
        "images_per_second": None,
    }
    assert report["summary"]["images_per_second"] == 1.0
    assert [entry["output"] for entry in report["sets"]] == [
        "IMG_0001.exr",
        "IMG_0004.exr",
        "IMG_0007.exr",
    ]
    good, bad, _ = report["sets"]
    assert good["offset_ev"] == pytest.approx(-5 - np.log2(1 / 100 / 64))
    assert [frame["ratio"] for frame in good["frames"]] == pytest.approx([1, 4, 16])
    assert bad["error"] == "UnreadableImageError"


def test_page_shows_pictures_that_exist(reported):
    out, _ = reported
    page = Page((out / "index.html").read_text(encoding="utf-8"))
    pictures = page.all("img", "src")
    assert len(pictures) == 2
    for link in [*pictures, *page.all("a", "href")]:
        assert (out / unquote(link)).is_file()
    text = " ".join(page.words)
    for word in ("Failed (1)", "Damaged files (1)", "IMG_0004.exr", "1/400 s", "32 × 24"):
        assert word in text


def test_names_cannot_smuggle_markup(tmp_path, options):
    evil = "<script>alert('x')</script>\"'&{{}}$title%41#?"
    planned = PlannedSet(
        inputs=tuple(Path(f"{evil}{i}") for i in range(3)),
        output=PurePosixPath(f"{evil}.exr"),
        reason=evil,
    )
    failed = SetResult.failure(planned, tmp_path, UnreadableImageError(evil, path=evil))
    done = replace(failed, status="done", warnings=(evil,), size=(1, 2), seconds={"read": 0.1})
    plan = Plan(
        sets=(planned, planned),
        left_out=(LeftOut(path=Path(evil), reason=evil),),
        unreadable=(LeftOut(path=Path(evil), reason=evil),),
    )
    write_report(tmp_path, plan, [failed, done], options=replace(options, model=evil), seconds=1)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "<script" not in text
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "object", "svg", "link"}
    assert not any(name.startswith("on") for _, found in page.tags for name in found)
    assert [unquote(link) for link in page.all("a", "href")] == [f"{evil}.exr"] * 2
    assert " ".join(page.words).count("<script>alert('x')</script>") >= 6
    assert "default-src 'none'" in text


def test_shutter_times_that_are_not_known_are_not_made_up(tmp_path, photograph, options):
    inputs = tuple(photograph(tmp_path / "card"))
    planned = PlannedSet(inputs=inputs, output=PurePosixPath("x.exr"), evs=(-2.0, 0.0, 2.0))
    results = list(run_sets([planned], tmp_path, options=options))
    write_report(tmp_path, Plan(sets=(planned,)), results, options=options, seconds=1)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [frame["seconds"] for frame in report["sets"][0]["frames"]] == [None] * 3
    words = Page((tmp_path / "index.html").read_text(encoding="utf-8")).words
    row = words[words.index("IMG_0002.jpg") :][:5]
    assert row == ["IMG_0002.jpg", "–", "–", "–", "+0.0"]


def test_shards_have_their_own_report(tmp_path, options):
    data, page = write_report(tmp_path, Plan(), [], options=options, seconds=0.0, shard=Shard(2, 3))
    assert (data.name, page.name) == ("report-2-of-3.json", "index-2-of-3.html")
    assert "shard 2/3" in page.read_text()


def test_an_interrupted_run_says_what_it_did_not_reach():
    planned = PlannedSet(inputs=(), output=PurePosixPath("a.exr"))
    summary = summarise(Plan(sets=(planned,) * 5), [], seconds=0.0)
    assert (summary.waiting, summary.done, summary.images_per_second) == (5, 0, None)


def test_page_of_nothing(options):
    assert "merged now" in render_page(
        {
            "summary": dict.fromkeys(
                ("done", "skipped", "failed", "waiting", "left_out", "unreadable"), 0
            )
            | {"seconds": 3725.0, "images_per_second": None},
            "sets": [],
            "left_out": [],
            "unreadable": [],
            "shard": "1/1",
            "model": "m",
            "options": {"reference_ev": None},
            "version": "1",
            "written": "now",
        }
    )


@pytest.mark.parametrize(
    ("size", "small"),
    [((24, 32), (24, 32)), ((100, 64), (33, 21)), ((1, 200), (1, 40)), ((41, 39), (20, 19))],
)
def test_shrinking_keeps_the_mean(size, small):
    rng = np.random.default_rng(1)
    pixels = rng.uniform(0, 4, (*size, 3)).astype(np.float32)
    result = shrink(pixels, longest=40)
    assert result.shape == (*small, 3)
    assert result.mean() == pytest.approx(pixels.mean(), rel=0.1)
    np.testing.assert_array_equal(shrink(np.ones_like(pixels), longest=40), 1)


def test_reports_of_ours_are_replaced_also_those_of_earlier_versions(tmp_path, options):
    _, page = write_report(tmp_path, Plan(), [], options=options, seconds=0.0)
    text = page.read_text()
    assert '<meta name="generator" content="ahdr batch ' in text
    earlier = "".join(line for line in text.splitlines(True) if "generator" not in line)
    page.write_text(earlier)
    write_report(tmp_path, Plan(), [], options=options, seconds=0.0)
    assert page.read_text() != earlier


@pytest.mark.parametrize("name", ["report.json", "index.html"])
@pytest.mark.parametrize("content", ['{"mine": 1}', "<!doctype html><title>Mine</title>", ""])
def test_files_that_are_no_reports_of_ours_are_kept(tmp_path, options, name, content):
    write_report(tmp_path, Plan(), [], options=options, seconds=0.0)
    (tmp_path / name).write_text(content)
    with pytest.raises(OutputExistsError, match=r"not a report of ahdr batch .*--overwrite"):
        write_report(tmp_path, Plan(), [], options=options, seconds=0.0)
    assert (tmp_path / name).read_text() == content
    write_report(tmp_path, Plan(), [], options=replace(options, overwrite=True), seconds=0.0)
    assert (tmp_path / name).read_text() != content


def test_a_name_that_is_no_text_is_shown_as_an_escape(tmp_path, options):
    plan = Plan(unreadable=(LeftOut(path=Path("a\udcff.jpg"), reason="cut"),))
    data, page = write_report(tmp_path, plan, [], options=options, seconds=0.0)
    assert "a\\udcff.jpg" in page.read_text()
    assert json.loads(data.read_text())["unreadable"][0]["path"] == "a\udcff.jpg"
