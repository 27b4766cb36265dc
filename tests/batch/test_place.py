"""Which files a batch may replace unasked: its own, as it left them, and no others."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from ahdr_cli.batch import BatchOptions, PlannedSet, SetResult, make_plan, run_sets, write_report
from ahdr_cli.batch.cluster import run_on_cluster
from ahdr_cli.batch.place import check_places
from ahdr_cli.batch.record import record_path
from ahdr_cli.batch.thumbnail import THUMBNAIL_FOLDER
from ahdr_cli.errors import OutputError, UsageError

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


@pytest.fixture
def full_disk(monkeypatch):
    """A context in which no result can be written."""

    def fail(path: Path, *_image, **_options) -> None:
        raise OutputError("cannot be written: no space left on device", path=path)

    @contextmanager
    def full():
        with monkeypatch.context() as patch:
            patch.setattr("ahdr_cli.io.write_hdr", fail)
            yield

    return full


def test_a_set_that_could_not_be_written_leaves_nothing(run, result, full_disk):
    with full_disk():
        assert run().error == "OutputError"
    assert not record_path(result).exists()
    # What the user puts there now is no leftover of ours.
    result.write_bytes(MINE)
    assert_refused(run, result, MINE, reason="exists already")


def test_an_earlier_result_that_could_not_be_replaced_may_be_edited(run, result, full_disk):
    assert run().status == "done"
    with full_disk():
        assert run(reference_ev=-3.0).error == "OutputError"
    assert run().status == "skipped"
    with full_disk():
        assert run(reference_ev=-3.0).error == "OutputError"
    result.write_bytes(MINE)
    assert_refused(run, result, MINE, reason="is not as ahdr batch left it")


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


def sets_of(card: Path, *outputs: str) -> list[PlannedSet]:
    """A set for each output, all of the same photographs."""
    inputs = tuple(sorted(card.iterdir()))
    return [PlannedSet(inputs=inputs, output=PurePosixPath(output)) for output in outputs]


@pytest.mark.parametrize("runner", [run_sets, run_on_cluster])
@pytest.mark.parametrize("other", ["x.hdr", "X.tif"])
def test_two_sets_with_one_preview_are_refused_at_once(card, tmp_path, options, runner, other):
    sets = sets_of(card, "x.exr", other)
    check_places(sets, tmp_path / "out", preview=False)
    with pytest.raises(UsageError, match=f"x.exr and {other} would have the same preview"):
        list(runner(sets, tmp_path / "out", options=replace(options, preview=True)))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("whose", ["own", "another's"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_result_never_replaces_a_photograph(card, tmp_path, options, whose, overwrite):
    photograph = (card / "IMG_0002.jpg").rename(card / "b.tif")
    content = photograph.read_bytes()
    (listed,) = sets_of(card, "z.exr" if whose == "another's" else "b.tif")
    sets = [listed]
    if whose == "another's":
        elsewhere = tuple(tmp_path / "other" / f"{i}.jpg" for i in range(3))
        sets = [PlannedSet(inputs=elsewhere, output=PurePosixPath("b.tif")), listed]
    with pytest.raises(UsageError, match=rf"b\.tif: would be both an input of {listed.output}"):
        list(run_sets(sets, card, options=replace(options, overwrite=overwrite)))
    assert photograph.read_bytes() == content


def test_nor_does_a_preview_or_a_path_by_a_link(card, tmp_path):
    (card / "IMG_0002.jpg").rename(card / "x_preview.png")
    sets = sets_of(card, "x.exr")
    (tmp_path / "link").symlink_to(card, target_is_directory=True)
    check_places(sets, tmp_path / "link", preview=False)
    with pytest.raises(UsageError, match=r"an input of x\.exr and the preview of x\.exr"):
        check_places(sets, tmp_path / "link", preview=True)
