"""`ahdr batch`: plan, run, exit codes, resuming, manifests, shards."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import piexif
import pytest


@pytest.fixture
def card(tmp_path, bracket) -> Path:
    """Two brackets a minute apart and a stray, made of the one bracket."""
    folder = tmp_path / "card"
    folder.mkdir()
    start = datetime(2024, 5, 1, 12, 0, 0)
    files = [*bracket, *bracket, bracket[0]]
    for number, path in enumerate(files):
        copy = folder / f"IMG_{number}.jpg"
        shutil.copy(path, copy)
        moment = start + timedelta(minutes=number // 3, seconds=number % 3)
        tags = piexif.load(str(copy))
        tags["Exif"][piexif.ExifIFD.DateTimeOriginal] = moment.strftime("%Y:%m:%d %H:%M:%S")
        piexif.insert(piexif.dump(tags), str(copy))
    return folder


@pytest.fixture
def run(ahdr, tiny_model):
    fast = ("--model", tiny_model, "--device", "cpu", "--runtime", "torch", "--tile", "64")

    def call(*arguments):
        return ahdr("batch", *arguments, *fast)

    return call


def test_a_folder_twice(run, card, tmp_path):
    out = tmp_path / "out"
    first = run(card, "-o", out, "--verbose")
    assert first.exit_code == 0, first.stderr
    assert sorted(path.name for path in out.glob("*.exr")) == ["IMG_0.exr", "IMG_3.exr"]
    assert "2 merged, 1 file in no set" in first.stderr
    assert "left out" in first.stderr
    assert "single picture" in first.stderr
    assert (out / "index.html").is_file()
    second = run(card, "-o", out)
    assert "0 merged, 2 done before" in second.stderr
    third = run(card, "-o", out, "--overwrite", "--quiet")
    assert third.stderr == third.stdout == ""


def test_dry_run_shows_the_plan_and_does_nothing(run, card, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")  # however long the folder's name is
    result = run(card, "-o", tmp_path / "out", "--dry-run")
    assert result.exit_code == 0
    for text in (
        "IMG_0.exr",
        "steps of 2.0, 2.0 EV",
        "+4.0",
        "single picture",
        "2 sets, 1 file in",
    ):
        assert text in result.stdout
    assert not (tmp_path / "out").exists()
    plan = json.loads(run(card, "-o", tmp_path / "out", "--dry-run", "--json").stdout)
    assert [entry["output"] for entry in plan["sets"]] == ["IMG_0.exr", "IMG_3.exr"]
    assert plan["sets"][0]["evs"] == pytest.approx([0, 2, 4])
    assert len(plan["left_out"]) == 1
    assert plan["unreadable"] == []


def test_a_narrow_terminal_cuts_no_name_in_the_plan(run, card, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    plan = run(card, "-o", tmp_path / "out", "--dry-run").stdout
    heading, *lines = plan.partition("\n\n")[0].splitlines()
    assert max(map(len, lines)) <= 60
    column = slice(heading.index("inputs"), heading.index("because"))
    shown = "".join(line[column].strip() for line in lines)
    assert shown == "".join(str(path) for path in sorted(card.iterdir())[:6])
    assert [line.split()[0] for line in lines if "+4.0" in line] == ["+4.0", "+4.0"]


def test_a_plan_needs_no_folder_for_results(run, card, tmp_path):
    manifest = tmp_path / "sets.csv"
    result = run(card, "--dry-run", "--write-manifest", manifest, "--json")
    assert result.exit_code == 0, result.stderr
    plan = json.loads(result.stdout)
    assert [entry["output"] for entry in plan["sets"]] == ["IMG_0.exr", "IMG_3.exr"]
    assert manifest.read_text().count("\n") == 3
    listed = run("--manifest", manifest, "--dry-run", "--json")
    assert len(json.loads(listed.stdout)["sets"]) == 2
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"card"}


def test_options_that_no_result_can_follow(run, card, tmp_path):
    for flags in (("--format", "hdr", "--float"), ("--format", "tif", "--chromaticities")):
        result = run(card, "-o", tmp_path / "out", *flags)
        assert result.exit_code == 2
        assert f"{flags[2]} means nothing for .{flags[1]}" in result.stderr
    manifest = tmp_path / "sets.csv"
    run(card, "--dry-run", "--write-manifest", manifest)
    manifest.write_text(manifest.read_text().replace("IMG_0.exr", "IMG_0.hdr"))
    result = run("--manifest", manifest, "--dry-run", "--float")
    assert result.exit_code == 0, result.stderr  # one of the two can


def test_failures_exit_with_eight_and_can_be_fed_back(run, card, tmp_path):
    out, failed = tmp_path / "out", tmp_path / "failed.json"
    whole = (card / "IMG_4.jpg").read_bytes()
    (card / "IMG_4.jpg").write_bytes(whole[:-100])
    result = run(card, "-o", out, "--failed-list", failed)
    assert result.exit_code == 8
    assert "1 of 2 sets failed" in result.stderr
    assert "IMG_3.exr: " in result.stderr
    assert (out / "IMG_0.exr").is_file()
    (entry,) = json.loads(failed.read_text())["sets"]
    assert "IMG_4.jpg" in entry["reason"]

    (card / "IMG_4.jpg").write_bytes(whole)
    again = run("--manifest", failed, "-o", out, "--failed-list", failed)
    assert again.exit_code == 0, again.stderr
    assert (out / "IMG_3.exr").is_file()
    assert json.loads(failed.read_text())["sets"] == []


def test_unreadable_files_exit_with_eight(run, card, tmp_path):
    (card / "broken.jpg").write_bytes(b"\xff\xd8\xffrest")
    result = run(card, "-o", tmp_path / "out")
    assert result.exit_code == 8
    assert "1 file cannot be read" in result.stderr
    assert len(list((tmp_path / "out").glob("*.exr"))) == 2


def test_manifest_is_written_edited_and_read(run, card, tmp_path):
    listed = tmp_path / "sets.csv"
    result = run(card, "-o", tmp_path / "out", "--write-manifest", listed, "--dry-run")
    assert result.exit_code == 0
    rows = list(csv.DictReader(listed.open(newline="")))
    rows[0]["output"], rows[0]["evs"] = "by hand.hdr", "0,1,2"
    with listed.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    assert run("--manifest", listed, "-o", tmp_path / "out").exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"by hand.hdr", "IMG_3.exr"}
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [frame["ratio"] for frame in report["sets"][0]["frames"]] == pytest.approx([1, 2, 4])


def test_shards_do_it_all_together(run, card, tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert run(card, "-o", out, "--shard", "1/2").exit_code == 0
    assert [path.name for path in out.glob("*.exr")] == ["IMG_0.exr"]
    for name, value in (("ID", 5), ("COUNT", 2), ("MIN", 4)):
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", str(value))
    result = run(card, "-o", out)
    assert "doing shard 2/2" in result.stderr
    assert len(list(out.glob("*.exr"))) == 2
    assert {path.name for path in out.glob("index*")} == {"index-1-of-2.html", "index-2-of-2.html"}
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "9")
    assert run(card, "-o", out).exit_code == 2


def test_options_reach_the_results(run, card, tmp_path):
    out = tmp_path / "out"
    result = run(
        card, "-o", out, "--json", "--reference-ev", "-6", "--preview", "--format", "hdr",
        "--name", "{folder}_{index:02d}_{ev}", "--group", "3", "--ev", "0,2,4",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert [entry["output"] for entry in report["sets"]] == [
        "card_01_-2_0_+2.hdr",
        "card_02_-2_0_+2.hdr",
    ]
    assert report["sets"][0]["offset_ev"] == pytest.approx(-8)
    assert (out / "card_01_-2_0_+2_preview.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([], 2, "neither a folder nor a manifest"),
        (["{card}", "--manifest", "x.json"], 2, "contradict"),
        (["--manifest", "x.json", "--group", "3"], 2, "--group and --manifest contradict"),
        (["{card}", "--group", "2"], 2, "--group must be 3 or more"),
        (["{card}", "--pattern", "*.jpg"], 2, "{set}"),
        (["{card}", "--pattern", "{set}[z-a]"], 2, "bad character range"),
        (["{card}", "--name", "{nope}"], 2, "no field"),
        (["{card}", "--format", "png"], 2, "--format must be"),
        (["{card}", "--shard", "3/2"], 2, "no shard 3 of 2"),
        (["{card}", "--cluster", "dask"], 2, "--cluster must be"),
        (["{card}", "--exposures", "1,2,3", "--ev", "1,2,3"], 2, "contradict"),
        (["{card}", "--ev", "1,x,3"], 4, "EV 'x'"),
        (["{card}", "--ev", "1,2"], 4, "2 exposures, a bracket has 3 or more"),
        (["{card}", "--ev", "1,2", "--group", "3"], 4, "2 exposures for groups of 3 files"),
        (["{card}", "--in-flight", "0"], 2, "at least 1 set"),
        (["{card}", "--reference-ev", "nan"], 2, "within 64 EV"),
        (["{card}/none"], 3, "no such folder"),
        (["{empty}"], 3, "no photographs were found"),
        (["{card}", "--max-gap", "-1"], 2, "0 s or more"),
    ],
)
def test_mistakes(run, card, tmp_path, arguments, code, text):
    (tmp_path / "empty").mkdir()
    places = {
        "{card}": str(card),
        "{card}/none": f"{card}/none",
        "{empty}": str(tmp_path / "empty"),
    }
    result = run("-o", tmp_path / "out", *(places.get(item, item) for item in arguments))
    assert result.exit_code == code, result.stderr
    assert text in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "option",
    [
        ("--extend", "on"),
        ("--response", "srgb"),
        ("--align", "on"),
        ("--reference-ev", "nan"),
        ("--in-flight", "0"),
        ("--quiet", "--verbose"),
    ],
)
def test_a_dry_run_finds_mistyped_options_and_writes_no_manifest(run, card, tmp_path, option):
    written = tmp_path / "sets.json"
    result = run(card, "--dry-run", "--write-manifest", written, *option)
    assert result.exit_code == 2, result.stdout
    assert not written.exists()


def test_nothing_that_makes_a_bracket(run, card, tmp_path):
    for path in sorted(card.iterdir())[1:]:
        path.unlink()
    result = run(card, "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert "no bracket among 1 file, e.g." in result.stderr


def test_a_folder_of_pictures_that_are_not_read(run, tmp_path):
    (tmp_path / "phone").mkdir()
    (tmp_path / "phone" / "IMG_1.heic").write_bytes(b"\0\0\0\x18ftypheic")
    result = run(tmp_path / "phone", "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert "HEIC" in result.stderr


def test_pictures_that_are_not_read_beside_others(run, card, tmp_path):
    heic = b"\0\0\0\x18ftypheic"
    for name in ("IMG_9001.HEIC", "IMG_9002.heic"):
        (card / name).write_bytes(heic)
    twin = sorted(card.glob("*.jpg"))[0].with_suffix(".heic")
    twin.write_bytes(heic)
    result = run(card, "-o", tmp_path / "out", "-q")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("\n") == 1
    assert "IMG_9001.HEIC: is a HEIC file, expected JPEG" in result.stderr
    assert "(and 1 more such file left out)" in result.stderr
    listed = json.loads((tmp_path / "out" / "report.json").read_text())["left_out"]
    assert sum(item["path"].lower().endswith(".heic") for item in listed) == 3


def test_no_folder_for_results(ahdr, card):
    result = ahdr("batch", card)
    assert result.exit_code == 2
    assert "pass -o DIR" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_to_itself_is_one_damaged_file(run, card, tmp_path):
    (card / "x.jpg").symlink_to("x.jpg")
    result = run(card, "-o", tmp_path / "out")
    assert result.exit_code == 8
    assert "x.jpg: cannot be opened" in result.stderr
    assert len(list((tmp_path / "out").glob("*.exr"))) == 2


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_to_itself_in_a_manifest_fails_its_set(run, card, tmp_path):
    (card / "x.jpg").symlink_to("x.jpg")
    listed = tmp_path / "sets.csv"
    listed.write_text("output,input1,input2,input3\na,card/IMG_0.jpg,card/IMG_1.jpg,card/x.jpg\n")
    result = run("--manifest", listed, "-o", tmp_path / "out", "--failed-list", tmp_path / "f.csv")
    assert result.exit_code == 8
    assert "x.jpg: cannot be read" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="deleted directories")
def test_a_deleted_working_directory(run, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    result = run(".", "-o", "out")
    assert result.exit_code == 2
    assert "the working directory does not exist any more" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_a_model_that_is_a_pipe_is_refused_not_waited_for(ahdr, card, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    result = ahdr("batch", card, "-o", tmp_path / "out", "--model", tmp_path / "pipe")
    assert result.exit_code == 5
    assert "nor a file" in result.stderr


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_an_unknown_model_stops_before_any_work(ahdr, card, tmp_path, dry):
    result = ahdr("batch", card, "-o", tmp_path / "out", "--model", "nope", *dry)
    assert result.exit_code == 5
    assert result.stdout == ""
    assert "nope" in result.stderr


def test_a_failure_is_named_once(run, card, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("ahdr_cli.io.write_hdr", full)
    out = tmp_path / "out"
    result = run(card, "-o", out)
    assert result.exit_code == 8
    said = [line for line in result.stderr.splitlines() if "cannot be written" in line]
    assert [line.count("IMG_") for line in said] == [1, 1]


def test_a_run_that_cannot_begin_keeps_the_last_report(run, ahdr, card, tmp_path):
    out = tmp_path / "out"
    assert run(card, "-o", out).exit_code == 0
    before = (out / "report.json").read_bytes()
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"no weights")
    assert ahdr("batch", card, "-o", out, "--model", bad).exit_code == 5
    assert (out / "report.json").read_bytes() == before


@pytest.mark.parametrize("name", ["index.html", "report.json"])
def test_a_page_of_the_users_own_is_kept_and_nothing_is_begun(run, card, tmp_path, name):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("mine")
    result = run(card, "-o", out)
    assert result.exit_code == 6
    assert f"{out / name}: exists already and is not a report" in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in out.iterdir()] == [name]
    assert (out / name).read_text() == "mine"
    assert run(card, "-o", out, "--dry-run").exit_code == 0
    assert run(card, "-o", out, "--overwrite").exit_code == 0
    assert "mine" not in (out / name).read_text()


@pytest.fixture
def listed(run, card, tmp_path) -> Path:
    """A manifest of the card."""
    path = tmp_path / "sets.json"
    run(card, "-o", tmp_path / "out", "--write-manifest", path, "--dry-run")
    return path


@pytest.mark.parametrize("name", ["failed.json", "failed.csv"])
def test_a_list_of_failures_is_written_again(run, card, tmp_path, name):
    failed = tmp_path / "out" / name  # in a folder that the first run makes
    (card / "IMG_4.jpg").write_bytes((card / "IMG_4.jpg").read_bytes()[:-100])
    for _ in range(2):
        assert run(card, "-o", tmp_path / "out", "--failed-list", failed).exit_code == 8
        assert "IMG_3.exr" in failed.read_text()
    again = run("--manifest", failed, "-o", tmp_path / "out", "--failed-list", failed)
    assert again.exit_code == 8
    assert "IMG_3.exr" in failed.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--failed-list", "{tmp}/sets.json"], 2, "is both the manifest and the list"),
        (["--failed-list", "{tmp}/sets.json", "--overwrite"], 2, "is both the manifest and"),
        (["--failed-list", "{tmp}/n.json", "--write-manifest", "{tmp}/n.json"], 2, "is both the"),
        (["--failed-list", "{tmp}/out/report.json"], 2, "is both the report and the list"),
        (["--failed-list", "{tmp}/mine.json"], 6, "exists already and is not a list"),
        (["--failed-list", "{tmp}/failed.txt"], 2, ".json or .csv"),
        (["--failed-list", "{tmp}/none/failed.json"], 6, "does not exist"),
        (["--failed-list", "{tmp}/folder.json"], 6, "is a folder"),
    ],
)
def test_lists_of_failures_that_cannot_be_written(run, listed, tmp_path, arguments, code, text):
    (tmp_path / "mine.json").write_text("[]")
    (tmp_path / "folder.json").mkdir()
    before = listed.read_bytes()
    given = [argument.format(tmp=tmp_path) for argument in arguments]
    result = run("--manifest", listed, "-o", tmp_path / "out", *given)
    assert result.exit_code == code, result.stderr
    assert text in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert listed.read_bytes() == before
    assert (tmp_path / "mine.json").read_text() == "[]"


def test_a_list_of_failures_over_another_file_if_asked_for(run, listed, tmp_path):
    (tmp_path / "mine.json").write_text("[]")
    result = run(
        "--manifest", listed, "-o", tmp_path / "out", "--overwrite",
        "--failed-list", tmp_path / "mine.json",
    )  # fmt: skip
    assert result.exit_code == 0
    assert json.loads((tmp_path / "mine.json").read_text())["sets"] == []


@pytest.mark.parametrize("flags", [("--shard", "1/2"), ("--dry-run",), ("--overwrite",)])
def test_sets_in_each_others_way_are_refused_whatever_the_share(run, card, tmp_path, flags):
    names = [f"IMG_{number}.jpg" for number in range(3)]
    sets = [{"output": output, "inputs": names} for output in ("x.exr", "x.hdr")]
    listed = card / "sets.json"
    listed.write_text(json.dumps({"ahdr_manifest": 1, "sets": sets}))
    result = run("--manifest", listed, "-o", tmp_path / "out", "--preview", *flags)
    assert result.exit_code == 2, result.stderr
    assert "x.exr and x.hdr would have the same preview" in result.stderr
    assert not (tmp_path / "out").exists()
