from __future__ import annotations

import errno
import shutil
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ahdr_cli import write_hdr, write_preview
from ahdr_cli.batch import Plan, PlanOptions, make_plan, run_sets
from ahdr_cli.batch.gather import find_photographs, read_shots
from ahdr_cli.errors import ExposureError, InputError, UsageError
from ahdr_cli.images import Exposure, HdrImage


def outputs(plan: Plan) -> list[str]:
    return [str(planned.output) for planned in plan.sets]


def why(plan: Plan) -> dict[str, str]:
    return {item.path.name: item.reason for item in (*plan.left_out, *plan.unreadable)}


def test_brackets_are_found(card, tmp_path):
    plan = make_plan([card], tmp_path / "out")
    assert outputs(plan) == ["IMG_0001.exr", "IMG_0004.exr", "IMG_0007.exr"]
    assert plan.sets[1].inputs == tuple(card / f"IMG_000{n}.jpg" for n in (4, 5, 6))
    assert plan.sets[0].found_evs == pytest.approx([0, 2, 4])
    assert plan.sets[0].evs is None
    assert "steps of 2.0, 2.0 EV" in plan.sets[0].reason
    assert why(plan) == {}


def test_damaged_files_singles_and_results_are_told_apart(card, tmp_path, photograph):
    photograph(card, first=50, seconds=(Fraction(1, 100),))
    photograph(card, first=50, seconds=(Fraction(1, 100),), when=timedelta(hours=1))
    (card / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (card / "text.png").write_text("no picture")
    (card / ".hidden.jpg").write_bytes(b"x")
    (card / "notes.txt").write_text("x")
    write_hdr(card / "result.tif", HdrImage(np.ones((16, 16, 3), np.float32)))
    plan = make_plan([card], tmp_path / "out")
    assert len(plan.sets) == 3
    assert {item.path.name for item in plan.unreadable} == {"broken.jpg", "text.png"}
    reasons = why(plan)
    assert "single picture" in reasons["IMG_0050.jpg"]
    assert "HDR image" in reasons["result.tif"]
    assert ".hidden.jpg" not in reasons
    assert "notes.txt" not in reasons


def test_a_folder_that_may_be_listed_and_not_entered(card, monkeypatch):
    stat = Path.stat

    def refused(path, **settings):
        if path.parent == card:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **settings)

    monkeypatch.setattr(Path, "stat", refused)
    with pytest.raises(InputError, match="card: cannot be listed: permission denied"):
        find_photographs([card])
    with pytest.raises(InputError, match=r"IMG_0001\.jpg: cannot be read: permission denied"):
        find_photographs([card / "IMG_0001.jpg"])


def test_kinds_that_are_not_read_are_left_out_by_what_they_are(card, tmp_path):
    (card / "IMG_0099.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (card / "IMG_0001.avif").write_bytes(b"\0\0\0\x18ftypavif")  # the same shot as IMG_0001.jpg
    (card / "IMG_0004.jpg").rename(card / "IMG_0004.heic")  # JPEG by what it holds
    plan = make_plan([card], tmp_path / "out")
    assert len(plan.sets) == 3
    assert plan.sets[1].inputs[0].name == "IMG_0004.heic"
    assert [item.path.name for item in plan.unread] == ["IMG_0099.heic"]
    assert "is a HEIC file" in why(plan)["IMG_0099.heic"]
    assert {item.path.name for item in plan.left_out} == {"IMG_0001.avif", "IMG_0099.heic"}
    assert plan.unreadable == ()


def test_recursive_keeps_the_tree_and_passes_over_the_results(tmp_path, photograph):
    top = tmp_path / "trip"
    photograph(top / "a", first=1)
    photograph(top / "b" / "c", first=1)
    photograph(top / "out", first=1)
    assert make_plan([top], top / "out").sets == ()
    plan = make_plan([top], top / "out", options=PlanOptions(recursive=True))
    assert outputs(plan) == ["a.exr", "b/c.exr"]


def test_several_folders_have_their_own(tmp_path, photograph):
    photograph(tmp_path / "a")
    photograph(tmp_path / "b")
    plan = make_plan([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert outputs(plan) == ["a/IMG_0001.exr", "b/IMG_0001.exr"]
    twice = make_plan([tmp_path / "a", tmp_path / "a"], tmp_path / "out")
    assert outputs(twice) == ["IMG_0001.exr"]


def test_a_folder_within_another_is_searched_once(tmp_path, photograph):
    photograph(tmp_path / "a")
    photograph(tmp_path / "a" / "b")
    photograph(tmp_path / "a" / "b", first=7, when=timedelta(minutes=1))
    plan = make_plan(
        [tmp_path / "a", tmp_path / "a" / "b"],
        tmp_path / "out",
        options=PlanOptions(recursive=True),
    )
    assert sorted(outputs(plan)) == ["a/IMG_0001.exr", "b/IMG_0001.exr", "b/IMG_0007.exr"]


def test_equal_outputs_are_refused(tmp_path, photograph):
    for place in ("x", "y"):
        photograph(tmp_path / place / "card")
    with pytest.raises(UsageError, match=r"would both become card/IMG_0001\.exr .*--name"):
        make_plan([tmp_path / "x" / "card", tmp_path / "y" / "card"], tmp_path / "out")


def test_folders_with_exposure_files(tmp_path, photograph):
    for scene in ("001", "002", "003"):
        photograph(tmp_path / "data" / scene)
    (tmp_path / "data" / "001" / "exposure.txt").write_text("-3.0\n0.0\n3.0\n")
    (tmp_path / "data" / "002" / "exposure.txt").write_text("-3.0\n0.0\n")
    (tmp_path / "data" / "003" / "exposure.txt").write_text("nonsense")
    plan = make_plan([tmp_path / "data"], tmp_path / "o", options=PlanOptions(recursive=True))
    assert outputs(plan) == ["001.exr"]
    assert plan.sets[0].evs == pytest.approx((-3, 0, 3))
    reasons = {str(item.path.parent.name): item.reason for item in plan.left_out}
    assert reasons["002"] == "exposure.txt lists 2 exposures for 3 pictures"
    assert reasons["003"].startswith("exposure.txt: ")


def test_counting_and_given_exposures(card, tmp_path):
    options = PlanOptions(evs=(-2.0, 0.0, 2.0), suffix=".hdr", name="{index}")
    plan = make_plan([card], tmp_path / "out", options=options)
    assert outputs(plan) == ["1.hdr", "2.hdr", "3.hdr"]
    assert plan.sets[2].evs == (-2.0, 0.0, 2.0)
    four = make_plan([card], tmp_path / "out", options=PlanOptions(count=4))
    assert [len(planned.inputs) for planned in four.sets] == [4, 4]
    assert "IMG_0009.jpg" in why(four)


def test_pattern_with_given_exposures(card, tmp_path):
    options = PlanOptions(pattern="IMG_000{set}.jpg", evs=(0.0, 1.0, 2.0))
    plan = make_plan([card], tmp_path / "out", options=options)
    assert plan.sets == ()
    nine = PlanOptions(pattern="{set}_*.jpg", evs=(0.0, 1.0, 2.0))
    reasons = why(make_plan([card], tmp_path / "out", options=nine))
    assert reasons["IMG_0001.jpg"] == "set 'IMG' has 9 files for the 3 exposures given"


def test_contradictions():
    with pytest.raises(UsageError, match="contradict"):
        PlanOptions(count=3, pattern="{set}.jpg")
    with pytest.raises(ExposureError, match="2 exposures for groups of 3"):
        PlanOptions(count=3, evs=(1.0, 2.0))


@pytest.mark.parametrize("count", [0, 2])
def test_groups_are_of_three_or_more(card, tmp_path, count):
    with pytest.raises(UsageError, match=f"--group must be 3 or more, got {count}"):
        make_plan([card], tmp_path / "out", options=PlanOptions(count=count))


@pytest.mark.parametrize("pattern", [None, "{set}_*.jpg"])
def test_a_bracket_has_three_exposures(pattern):
    with pytest.raises(ExposureError, match="2 exposures, a bracket has 3 or more"):
        PlanOptions(pattern=pattern, evs=(1.0, 2.0))


def test_missing_folders(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        make_plan([tmp_path / "none"], tmp_path / "out")


def test_files_may_be_given(card, tmp_path):
    plan = make_plan(sorted(card.iterdir())[:3], tmp_path / "out")
    assert outputs(plan) == ["IMG_0001.exr"]


def test_real_brackets(shared_dir: Path, tmp_path):
    """Taken by people: minutes apart, exposure by shutter, aperture or ISO, one without EXIF."""
    plan = make_plan(
        [shared_dir / "data" / "brackets"], tmp_path, options=PlanOptions(recursive=True)
    )
    assert outputs(plan) == [
        f"{name}.exr" for name in ("arch", "arch-5", "chair", "lake", "night", "street", "veranda")
    ]
    assert [len(planned.inputs) for planned in plan.sets] == [3, 5, 3, 3, 3, 3, 3]
    assert {item.path.parent.name for item in plan.left_out} == {"horse"}


def test_order_of_discovery_does_not_matter(tmp_path, photograph):
    folder = tmp_path / "card"
    for i in (3, 1, 2):
        photograph(folder, first=10 * i, when=timedelta(minutes=i))
    assert outputs(make_plan([folder], tmp_path)) == [f"IMG_00{i}0.exr" for i in (1, 2, 3)]


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_previews_of_ahdr_merge_are_left_out_under_any_name(card, tmp_path, suffix):
    image = HdrImage(np.ones((40, 56, 3), np.float32), exposure=Exposure(seconds=0.01))
    for name in ("a_preview", "mine"):
        write_preview(card / f"{name}{suffix}", np.zeros((40, 56, 3), np.uint8), image=image)
    for options in (PlanOptions(), PlanOptions(count=3)):
        plan = make_plan([card], tmp_path / "out", options=options)
        assert len(plan.sets) == 3
        reason = "is a picture that ahdr made, not a photograph"
        assert why(plan) == {f"a_preview{suffix}": reason, f"mine{suffix}": reason}
        assert plan.unreadable == ()


@pytest.mark.parametrize("suffix", [".exr", ".hdr", ".tif"])
def test_what_is_named_as_the_preview_of_a_result_is_left_out(card, tmp_path, suffix):
    write_hdr(card / f"arch{suffix}", HdrImage(np.ones((16, 16, 3), np.float32)))
    shutil.copy(card / "IMG_0001.jpg", card / "arch_preview.jpg")
    plan = make_plan([card], tmp_path / "out")
    assert why(plan)["arch_preview.jpg"] == "is named as the preview of the HDR image beside it"


def test_a_photograph_that_is_called_a_preview_is_one(card):
    for name in ("arch.tif", "arch_preview.tif", "lake_preview.jpg"):
        Image.open(card / "IMG_0001.jpg").save(card / name)
    shots, *left_out = read_shots(find_photographs([card]))
    assert len(shots) == 12
    assert left_out == [[], []]


def test_what_ahdr_made_of_its_results_is_no_photograph(tmp_path, photograph, options):
    out = tmp_path / "card" / "merged"
    for i in range(3):
        photograph(tmp_path / "card", first=3 * i + 1, when=timedelta(minutes=i))
    plan = make_plan([tmp_path / "card"], out)
    for _ in run_sets(plan.sets, out, options=replace(options, preview=True)):
        pass
    shutil.copy(out / "IMG_0001_preview.png", out / "mine_preview.png")
    found = find_photographs([tmp_path / "card"], recursive=True)
    assert [path.name for path in found if out in path.parents] == ["mine_preview.png"]
    assert len(found) == 10
    (out / "IMG_0004.exr.json").unlink()
    again = find_photographs([out])
    assert [path.name for path in again] == ["IMG_0004_preview.png", "mine_preview.png"]
