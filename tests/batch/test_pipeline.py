"""Running sets: results, resuming, failures, stopping, bounded memory."""

from __future__ import annotations

import errno
import json
import threading
import time
import weakref
from dataclasses import replace
from fractions import Fraction
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image

from ahdr_cli import Bracket, Merger, read_frame, read_hdr, write_hdr
from ahdr_cli.batch import PlannedSet, SetResult, make_plan, run_sets
from ahdr_cli.batch.cluster import Worker
from ahdr_cli.batch.pipeline import open_merger
from ahdr_cli.batch.record import record_path
from ahdr_cli.batch.shard import Shard
from ahdr_cli.batch.stages import Workshop
from ahdr_cli.batch.workspace import WORK_FOLDER, open_workspace
from ahdr_cli.errors import BatchError, ModelError, OutputError, UnknownModelError
from ahdr_cli.io import WriteOptions
from ahdr_cli.merging import MergeOptions
from ahdr_cli.radiometry.tonemap import render


def run(card, out, options, **settings) -> dict[str, SetResult]:
    plan = make_plan([card], out)
    results = list(run_sets(plan.sets, out, options=options, **settings))
    assert len(results) == len(plan.sets)
    return {str(result.planned.output): result for result in results}


def statuses(results: dict[str, SetResult]) -> list[str]:
    return [results[name].status for name in sorted(results)]


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.rglob("*.exr"))}


def never(options):
    raise AssertionError("nothing was left to merge")


def test_results_are_those_of_single_merges(card, tmp_path, options):
    results = run(card, tmp_path / "out", options)
    assert statuses(results) == ["done"] * 3
    merger = Merger.open(options.model, options=options.merge)
    for result in results.values():
        frames = [read_frame(path) for path in result.planned.inputs]
        write_hdr(tmp_path / "single.exr", merger(Bracket.from_frames(frames)), overwrite=True)
        assert result.output.read_bytes() == (tmp_path / "single.exr").read_bytes()
        assert result.size == (24, 32)
        assert [frame.ratio for frame in result.frames] == pytest.approx([1, 4, 16])
        assert set(result.seconds) == {"read", "merge", "write"}
        assert result.computed["device"] == "cpu"
    assert not (tmp_path / "out" / WORK_FOLDER).exists()


def test_sets_of_five_say_what_raised_their_highlights(photograph, tmp_path, options):
    seconds = tuple(Fraction(1, 4**i) for i in (6, 5, 4, 3, 2))
    lamp = np.full((24, 32, 3), 0.2)
    lamp[8:12, 8:12] = 10.0
    paths = photograph(tmp_path / "card", seconds=seconds, gain=4.0**4, scene=lamp)
    (result,) = run(tmp_path / "card", tmp_path / "out", options).values()
    assert [frame.path for frame in result.frames] == [str(path) for path in paths[1:4]]
    assert result.highlights == (str(paths[0]),)
    (again,) = run(tmp_path / "card", tmp_path / "out", options, opener=never).values()
    assert again.status == "skipped"
    assert again.highlights == result.highlights
    off = replace(options, merge=replace(options.merge, extend="off"))
    (without,) = run(tmp_path / "card", tmp_path / "out", off).values()
    assert without.status == "done"  # another option, another result
    assert without.highlights == ()


def test_extending_means_nothing_to_sets_of_three(card, tmp_path, options):
    run(card, tmp_path / "out", options)
    off = replace(options, merge=replace(options.merge, extend="off"))
    assert statuses(run(card, tmp_path / "out", off, opener=never)) == ["skipped"] * 3


def test_second_run_skips_without_loading_the_model(card, tmp_path, options):
    first = run(card, tmp_path / "out", options)
    second = run(card, tmp_path / "out", options, opener=never)
    assert statuses(second) == ["skipped"] * 3
    for name, result in second.items():
        assert result == replace(
            first[name],
            status="skipped",
            seconds=result.seconds,
            aligned_px=result.aligned_px,
        )  # numbers that are rounded in the record


def test_overwrite_does_all_again(card, tmp_path, options):
    run(card, tmp_path / "out", options)
    again = run(card, tmp_path / "out", replace(options, overwrite=True))
    assert statuses(again) == ["done"] * 3


def _forge_version(path: Path) -> None:
    record = json.loads(record_path(path).read_text())
    record["identity"]["version"] = "0.0.0"
    record_path(path).write_text(json.dumps(record))


def _half_record(path: Path) -> None:
    text = record_path(path).read_text()
    record_path(path).write_text(text.replace('"done"', '"writing"', 1))


def _empty_result(path: Path) -> None:
    record = json.loads(record_path(path).read_text())
    record["result"] = {"frames": [1], "size": None}
    record_path(path).write_text(json.dumps(record))


def _wrong_type(path: Path) -> None:
    record = json.loads(record_path(path).read_text())
    record["result"]["offset_ev"] = "abc"
    record_path(path).write_text(json.dumps(record))


def _huge_number(path: Path) -> None:
    record = json.loads(record_path(path).read_text())
    record["result"]["aligned_px"] = [10**400]
    record_path(path).write_text(json.dumps(record))


@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        _forge_version,
        _half_record,
        _empty_result,
        _wrong_type,
        _huge_number,
    ],
)
def test_what_is_not_whole_is_done_again(card, tmp_path, options, damage):
    out = tmp_path / "out"
    run(card, out, options)
    before = contents(out)
    damage(out / "IMG_0004.exr")
    again = run(card, out, options)
    assert statuses(again) == ["skipped", "done", "skipped"]
    assert contents(out) == before


@pytest.mark.parametrize(
    "change",
    [
        {"reference_ev": -3.0},
        {"preview": True},
        {"merge": MergeOptions(device="cpu", runtime="torch", tile=256, precision="fp32")},
        {"merge": MergeOptions(device="cpu", runtime="torch", tile=256, align="off")},
    ],
)
def test_other_options_make_other_results(card, tmp_path, options, change):
    run(card, tmp_path / "out", options)
    again = run(card, tmp_path / "out", replace(options, **change))
    assert statuses(again) == ["done"] * 3


def test_device_and_tile_do_not_matter(card, tmp_path, options):
    run(card, tmp_path / "out", options)
    merge = replace(options.merge, tile=128)
    assert statuses(run(card, tmp_path / "out", replace(options, merge=merge))) == ["skipped"] * 3


def test_changed_input_is_noticed_whatever_its_date(card, tmp_path, options, photograph):
    import os

    run(card, tmp_path / "out", options)
    path = card / "IMG_0005.jpg"
    stat = path.stat()
    data = path.read_bytes()
    path.write_bytes(data[:-2] + b"\x00" + data[-2:])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert statuses(run(card, tmp_path / "out", options)) == ["skipped", "done", "skipped"]


def test_failures_are_reported_and_the_rest_is_done(card, tmp_path, options):
    broken = card / "IMG_0005.jpg"
    broken.write_bytes(broken.read_bytes()[:-200])
    results = run(card, tmp_path / "out", options)
    assert statuses(results) == ["done", "failed", "done"]
    failure = results["IMG_0004.exr"]
    assert failure.error == "UnreadableImageError"
    assert str(broken) in (failure.reason or "")
    assert not failure.output.exists()


def test_unexpected_errors_stay_with_their_set(card, tmp_path, options):
    class Moody:
        def __init__(self, options) -> None:
            self._merger = open_merger(options)
            self.plan = self._merger.plan

        def warnings(self, bracket):
            if "IMG_0005" in bracket.reference.name:
                raise ZeroDivisionError("by\nzero")
            return self._merger.warnings(bracket)

        def prepare(self, bracket, *, shorter):
            return self._merger.prepare(bracket, shorter=shorter)

        def merge(self, prepared, *, on_tile=None):
            return self._merger.merge(prepared, on_tile=on_tile)

    results = run(card, tmp_path / "out", options, opener=Moody)
    assert statuses(results) == ["done", "failed", "done"]
    assert results["IMG_0004.exr"].reason == "unexpected ZeroDivisionError: by zero"


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OutputError("disk full")]
)
def test_a_result_that_cannot_be_written_is_its_sets_failure(
    card, tmp_path, options, monkeypatch, error
):
    out = tmp_path / "out"

    def full(path, image, **settings):
        write_hdr(path, image, **settings)
        if len(refused) < 1:
            refused.append(path)
            raise error

    refused: list[Path] = []
    monkeypatch.setattr("ahdr_cli.io.write_hdr", full)
    results = run(card, out, options)
    assert sorted(statuses(results)) == ["done", "done", "failed"]
    (failed,) = (result for result in results.values() if result.status == "failed")
    assert failed.error == "OutputError"
    assert failed.reason.startswith(f"{failed.output}: ")  # not the unfinished file
    assert not failed.output.exists()
    assert not refused[0].exists()
    assert sorted(statuses(run(card, out, options))) == ["done", "skipped", "skipped"]


def test_a_model_that_cannot_be_loaded_stops_the_batch(card, tmp_path, options):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"no weights")
    with pytest.raises(ModelError):
        run(card, tmp_path / "out", replace(options, model=str(bad)))
    assert not (tmp_path / "out" / WORK_FOLDER).exists()
    with pytest.raises(UnknownModelError):
        run(card, tmp_path / "out", replace(options, model="no such model"))


def test_closing_the_iterator_stops_the_work(card, tmp_path, options):
    out = tmp_path / "out"
    running = run_sets(make_plan([card], out).sets, out, options=replace(options, in_flight=1))
    first = next(running)
    assert first.status == "done"
    running.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("ahdr-")]
    assert not (out / WORK_FOLDER).exists()
    again = run(card, out, options)
    assert "skipped" in statuses(again)


@pytest.mark.parametrize("in_flight", [1, 2, 4])
def test_sets_in_memory_are_bounded(tmp_path, photograph, options, in_flight, monkeypatch):
    """Counted where it matters: from a set's first read to the end of its write."""
    from ahdr_cli.batch import pipeline, stages

    card = tmp_path / "card"
    paths = photograph(card)
    sets = [PlannedSet(inputs=tuple(paths), output=PurePosixPath(f"{i}.exr")) for i in range(12)]
    lock, alive, most = threading.Lock(), 0, 0

    class Counting(stages.Workshop):
        def prepare(self, planned):
            nonlocal alive, most
            with lock:
                alive += 1
                most = max(most, alive)
            return super().prepare(planned)

        def finish(self, merged):
            nonlocal alive
            time.sleep(0.02)  # slower than the network, so that sets pile up
            result = super().finish(merged)
            with lock:
                alive -= 1
            return result

    monkeypatch.setattr(pipeline, "Workshop", Counting)
    results = list(run_sets(sets, tmp_path / "out", options=replace(options, in_flight=in_flight)))
    assert [result.status for result in results] == ["done"] * 12
    assert most == in_flight


def test_frames_are_let_go_before_the_result_is_written(tmp_path, photograph, options):
    """They take most memory: a set that is written needs its result alone."""
    paths = photograph(tmp_path / "card", seconds=tuple(Fraction(1, 4**i) for i in range(2, 7)))
    planned = PlannedSet(inputs=tuple(paths), output=PurePosixPath("one.exr"))
    held = []

    class Watching(Workshop):
        def prepare(self, planned):
            prepared = super().prepare(planned)
            frames = (*prepared.bracket.frames, *prepared.shorter)
            held.extend(weakref.ref(frame.pixels) for frame in frames)
            return prepared

        def finish(self, merged):
            assert [pixels() for pixels in held] == [None] * 4
            return super().finish(merged)

    with open_workspace(tmp_path / "out", shard=Shard()) as staging:
        workshop = Watching(folder=tmp_path / "out", staging=staging, options=options, model="")
        assert Worker(workshop).process(planned).status == "done"


def test_no_more_threads_than_sets(card, tmp_path, options, monkeypatch):
    begun = []
    begin = threading.Thread.start

    def counted(thread):
        begun.append(thread.name)
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", counted)
    results = run(card, tmp_path / "out", replace(options, in_flight=1000))
    assert statuses(results) == ["done"] * 3
    for work in ("read", "merge", "write"):
        assert begun.count(f"ahdr-{work}") == 3


def test_preview_beside_the_result(card, tmp_path, options):
    out = tmp_path / "out"
    run(card, out, replace(options, preview=True))
    assert (out / "IMG_0001_preview.png").is_file()
    (out / "IMG_0001_preview.png").unlink()
    again = run(card, out, replace(options, preview=True))
    assert statuses(again) == ["done", "skipped", "skipped"]


def test_a_lost_thumbnail_is_made_again_without_merging(card, tmp_path, options):
    out = tmp_path / "out"
    run(card, out, options)
    small = out / "report-files" / "IMG_0004.exr.jpg"
    before = small.read_bytes()
    small.unlink()
    assert statuses(run(card, out, options, opener=never)) == ["skipped"] * 3
    assert len(small.read_bytes()) == pytest.approx(len(before), rel=0.1)


def test_the_white_of_pictures_is_that_of_the_shortest_frame(tmp_path, photograph, options):
    """Also of a small picture that a later run makes again, on a common brightness scale."""
    photograph(tmp_path / "card")
    out = tmp_path / "out"
    options = replace(options, preview=True, write=WriteOptions(float32=True), reference_ev=-10.0)
    (result,) = run(tmp_path / "card", out, options).values()
    assert result.offset_ev is not None
    pixels = read_hdr(result.output).pixels / np.float32(2.0**result.offset_ev)
    expected = render(pixels, "mu-law", white=4.0).astype(float)  # 2 EV below the reference
    with Image.open(out / "IMG_0001_preview.png") as preview:
        assert np.abs(np.asarray(preview) - expected).max() <= 1
    small = out / "report-files" / "IMG_0001.exr.jpg"
    for _ in range(2):
        with Image.open(small) as thumbnail:
            assert abs(np.asarray(thumbnail).mean() - expected.mean()) < 3
        small.unlink()
        assert statuses(run(tmp_path / "card", out, options, opener=never)) == ["skipped"]


def test_given_exposures_count(tmp_path, photograph, options):
    paths = photograph(tmp_path / "card")
    planned = PlannedSet(
        inputs=tuple(paths), output=PurePosixPath("sub/dir/x.hdr"), evs=(4.0, 0.0, 1.0)
    )
    (result,) = run_sets([planned], tmp_path / "out", options=options)
    assert [frame.ratio for frame in result.frames] == pytest.approx([1, 2, 16])
    assert [frame.seconds for frame in result.frames] == [None] * 3  # only ratios are known
    assert Path(result.frames[2].path).name == "IMG_0001.jpg"
    assert read_hdr(result.output).size == (24, 32)


def test_an_unknown_suffix_is_the_sets_own_failure(tmp_path, photograph, options):
    planned = PlannedSet(
        inputs=tuple(photograph(tmp_path / "card")), output=PurePosixPath("x.webp")
    )
    (result,) = run_sets([planned], tmp_path / "out", options=options)
    assert result.status == "failed"
    assert "suffix '.webp'" in (result.reason or "")


def test_batch_errors_exit_with_eight():
    assert BatchError.exit_code == 8
