"""Which files a batch may replace unasked: its own, as it left them, and no others."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ahdr_cli.batch import BatchOptions, SetResult, make_plan, run_sets, write_report
from ahdr_cli.batch.record import record_path
from ahdr_cli.batch.thumbnail import THUMBNAIL_FOLDER

MINE = b"somebody's"


@pytest.fixture
def card(tmp_path, photograph) -> Path:
    """One bracket."""
    photograph(tmp_path / "card")
    return tmp_path / "card"


@pytest.fixture
def run(card, tmp_path, options):
    """Merge the card; settings are of `BatchOptions`."""

    def call(**settings) -> SetResult:
        plan = make_plan([card], tmp_path / "out")
        (result,) = run_sets(plan.sets, tmp_path / "out", options=replace(options, **settings))
        return result

    return call


@pytest.fixture
def result(tmp_path) -> Path:
    return tmp_path / "out" / "IMG_0001.exr"


def change_inputs(card: Path) -> None:
    """Other bytes, the same picture."""
    path = card / "IMG_0002.jpg"
    data = path.read_bytes()
    path.write_bytes(data[:-2] + b"\x00" + data[-2:])


def forget(path: Path, **changes: object) -> None:
    """Change what the record of a result says."""
    record = json.loads(record_path(path).read_text())
    record_path(path).write_text(json.dumps(record | changes))


def assert_refused(run, path: Path, content: bytes, *, reason: str, **settings) -> None:
    found = run(**settings)
    assert (found.status, found.error) == ("failed", "OutputExistsError")
    assert f"{path}: {reason}" in (found.reason or "")
    assert "--overwrite" in (found.reason or "")
    assert path.read_bytes() == content
    assert run(**settings, overwrite=True).status == "done"
    assert path.read_bytes() != content


@pytest.mark.parametrize("name", ["IMG_0001.exr", "IMG_0001.exr.json", "IMG_0001_preview.png"])
def test_files_at_the_names_of_a_first_run(run, tmp_path, name):
    path = tmp_path / "out" / name
    path.parent.mkdir()
    path.write_bytes(MINE)
    assert_refused(run, path, MINE, reason="exists already and is not known", preview=True)


def test_json_of_somebody_else_at_the_records_name(run, result):
    result.parent.mkdir()
    content = b'{"photographer": "me"}'
    record_path(result).write_bytes(content)
    assert_refused(run, record_path(result), content, reason="exists already")


@pytest.mark.skipif(os.name != "posix", reason="links and named pipes")
@pytest.mark.parametrize("kind", ["broken link", "folder", "pipe"])
def test_what_is_no_file_at_the_records_name(run, result, kind):
    result.parent.mkdir()
    path = record_path(result)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere")
    assert run().error == "OutputExistsError"
    assert os.path.lexists(path)


@pytest.mark.parametrize("changed", [False, True], ids=["same inputs", "other inputs"])
@pytest.mark.parametrize("edit", ["retouched", "cut", "flipped"])
def test_a_result_that_was_edited(run, card, result, edit, changed):
    """Damage cannot be told from an edit, and a file lost is worse than one made too late."""
    assert run().status == "done"
    data = bytearray(result.read_bytes())
    data[len(data) // 2] ^= 1
    content = {"retouched": MINE, "cut": result.read_bytes()[:-7], "flipped": bytes(data)}[edit]
    result.write_bytes(content)
    if changed:
        change_inputs(card)
    assert_refused(run, result, content, reason="is not as ahdr batch left it")


def test_a_result_that_was_deleted_is_made_again(run, result):
    assert run().status == "done"
    result.write_bytes(MINE)
    assert run().status == "failed"
    result.unlink()
    assert run().status == "done"


def test_a_preview_of_the_users_own(run, tmp_path):
    assert run().status == "done"
    preview = tmp_path / "out" / "IMG_0001_preview.png"
    preview.write_bytes(MINE)
    assert_refused(run, preview, MINE, reason="exists already", preview=True)


def test_previews_that_were_edited(run, card, tmp_path):
    assert run(preview=True).status == "done"
    preview = tmp_path / "out" / "IMG_0001_preview.png"
    preview.write_bytes(MINE)
    assert_refused(run, preview, MINE, reason="is not as ahdr batch left it", preview=True)


def test_what_is_ours_and_untouched_is_replaced(run, card, result):
    for settings in ({"preview": True}, {}, {"preview": True}, {"reference_ev": -3.0}):
        assert run(**settings).status == "done"
        assert run(**settings).status == "skipped"
    change_inputs(card)
    assert run().status == "done"
    assert run(preview=True).status == "done"


def test_a_preview_that_is_kept_may_be_edited_and_deleted(run, tmp_path):
    run(preview=True)
    run()
    preview = tmp_path / "out" / "IMG_0001_preview.png"
    preview.unlink()
    assert run().status == "skipped"
    preview.write_bytes(MINE)
    assert run().status == "skipped"
    assert run(reference_ev=-3.0).status == "done"
    assert_refused(run, preview, MINE, reason="exists already", preview=True)


def test_what_a_killed_run_left_is_replaced(run, result):
    assert run(preview=True).status == "done"
    forget(result, state="writing", outputs={})
    result.write_bytes(b"of the run before")
    assert run(preview=True).status == "done"


def test_a_killed_run_without_preview_had_none_in_work(run, result):
    assert run().status == "done"
    forget(result, state="writing", outputs={})
    preview = result.with_name("IMG_0001_preview.png")
    preview.write_bytes(MINE)
    assert_refused(run, preview, MINE, reason="exists already", preview=True)


def test_thumbnails_of_somebody_else(run, tmp_path):
    small = tmp_path / "out" / THUMBNAIL_FOLDER / "IMG_0001.exr.jpg"
    small.parent.mkdir(parents=True)
    small.write_bytes(MINE)
    assert_refused(run, small, MINE, reason="exists already")


def test_thumbnails_beside_a_report_of_ours(run, card, result, tmp_path, options: BatchOptions):
    out = tmp_path / "out"
    first = run()
    write_report(out, make_plan([card], out), [first], options=options, seconds=1)
    result.unlink()
    record_path(result).unlink()
    assert run().status == "done"
