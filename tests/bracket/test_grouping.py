"""Grouping: every situation that a card full of brackets holds, and what must never happen."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.bracket.grouping import (
    Grouping,
    GroupingOptions,
    Shot,
    group_by_count,
    group_by_pattern,
    group_shots,
)
from ahdr_cli.errors import UsageError
from ahdr_cli.images import CaptureMetadata, Exposure
from ahdr_cli.natural_order import natural_key

START = datetime(2024, 5, 1, 12, 0, 0)
SIZE = (4000, 6000)


class Card:
    """A memory card that pictures are taken onto; the clock runs as a camera's would."""

    def __init__(
        self, folder: str = "card", *, model: str = "One", fractions: bool = True, first: int = 1
    ) -> None:
        self.folder = Path(folder)
        self.model = model
        self.fractions = fractions
        self.number = first
        self.now = START
        self.shots: list[Shot] = []

    def take(
        self,
        *evs: float,
        pause: float = 0.2,
        base: float = 1 / 125,
        flagged: bool | None = None,
        **metadata: object,
    ) -> list[str]:
        """Pictures at `base` seconds · 2^ev, one after another; returns their names."""
        names = []
        for ev in evs:
            seconds = base * 2.0**ev
            name = f"IMG_{self.number:04d}.jpg"
            precision = "microseconds" if self.fractions else "seconds"
            self.shots.append(
                Shot(
                    path=self.folder / name,
                    size=SIZE,
                    exposure=Exposure(seconds=seconds, iso=100.0, f_number=8.0),
                    metadata=CaptureMetadata(
                        make="Maker",
                        model=self.model,
                        captured_at=self.now.isoformat(timespec=precision),
                        file_format="JPEG",
                        bracketed=flagged,
                        **metadata,  # type: ignore[arg-type]  # test data of several types
                    ),
                )
            )
            names.append(name)
            self.number += 1
            self.now += timedelta(seconds=seconds + pause)
        return names

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def names(grouping: Grouping) -> list[list[str]]:
    return [[shot.path.name for shot in group.shots] for group in grouping.groups]


def reasons(grouping: Grouping) -> dict[str, str]:
    return {item.path.name: item.reason for item in grouping.left_out}


def shuffled(shots: Iterable[Shot], seed: int = 1) -> list[Shot]:
    mixed = list(shots)
    random.Random(seed).shuffle(mixed)
    return mixed


# --- plain brackets --------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, -2, 2), (-2, 0, 2), (0, 2, -2), (2, 0, -2)], ids=str)
def test_brackets_minutes_apart(order):
    card = Card()
    expected = []
    for _ in range(4):
        expected.append(card.take(*order))
        card.wait(120)
    found = group_shots(shuffled(card.shots))
    assert names(found) == expected
    assert not found.left_out
    assert found.groups[0].rule == "exposures"
    assert found.groups[0].evs == pytest.approx([ev + 2 for ev in order])


@pytest.mark.parametrize("order", [(0, -2, 2), (-2, 0, 2), (0, 2, -2), (2, 0, -2)])
def test_back_to_back_brackets_with_the_same_exposures(order):
    card = Card()
    expected = [card.take(*order) for _ in range(7)]
    found = group_shots(shuffled(card.shots))
    assert names(found) == expected
    assert not found.left_out


@pytest.mark.parametrize(
    "order",
    [
        (-2, -1, 0, 1, 2),
        (0, -1, 1, -2, 2),
        (0, -2, -1, 1, 2),
        (-3, -2, -1, 0, 1, 2, 3),
        (0, -1, 1, -2, 2, -3, 3),
        (-4, -3, -2, -1, 0, 1, 2, 3, 4),
    ],
)
@pytest.mark.parametrize("times", [1, 3])
def test_more_than_three_frames(order, times):
    card = Card()
    expected = [card.take(*order) for _ in range(times)]
    assert names(group_shots(card.shots)) == expected


def test_light_that_changes_between_brackets():
    card = Card()
    expected = [card.take(*(ev + drift for ev in (0, -2, 2))) for drift in (0, 1 / 3, 2 / 3, 3, -1)]
    assert names(group_shots(card.shots)) == expected


def test_third_stop_brackets_need_the_cameras_word():
    card = Card()
    card.take(0, -1 / 3, 1 / 3)
    assert "0.3 EV apart" in reasons(group_shots(card.shots))["IMG_0001.jpg"]
    card = Card()
    expected = card.take(0, -1 / 3, 1 / 3, flagged=True)
    found = group_shots(card.shots)
    assert names(found) == [expected]
    assert "marked by the camera" in found.groups[0].reason


# --- time ------------------------------------------------------------------------------------


def test_long_exposures_are_measured_from_the_closing_of_the_shutter():
    """Frames of 7.5, 30 and 120 s: the starts lie further apart than any pause allowed."""
    card = Card()
    expected = [card.take(-2, 0, 2, base=30.0), card.take(-2, 0, 2, base=30.0)]
    assert names(group_shots(card.shots, options=GroupingOptions(max_gap=2.0))) == expected


def test_a_dark_frame_may_follow_a_long_exposure():
    card = Card()
    for ev in (-2, 0, 2):
        card.take(ev, base=8.0, pause=8.0 * 2.0**ev + 0.5)
    assert len(group_shots(card.shots).groups) == 1


def test_a_pause_after_short_exposures_separates():
    card = Card()
    card.take(-2, 0)
    card.wait(60)
    card.take(2)
    found = group_shots(card.shots)
    # Three pictures alone in a folder that differ as a bracket: set by hand.
    assert found.groups[0].rule == "folder"
    card.wait(60)
    expected = card.take(-2, 0, 2)
    found = group_shots(card.shots)
    assert names(found) == [expected]
    why = reasons(found)
    assert "only 2 different exposures" in why["IMG_0001.jpg"]
    assert "single picture" in why["IMG_0003.jpg"]


def test_times_without_fractions_are_ordered_by_name_within_a_second():
    card = Card(fractions=False)
    expected = [card.take(0, -2, 2, pause=0.05) for _ in range(5)]
    assert names(group_shots(shuffled(card.shots))) == expected


def test_fractions_of_a_second_beat_the_names():
    """Renamed at random: the clock knows the order."""
    card = Card()
    for _ in range(3):
        card.take(0, -2, 2, pause=0.01)
        card.wait(0.05)
    taken = [shot.path.name for shot in card.shots]
    new = shuffled(taken, seed=3)
    renamed = [
        Shot(
            path=shot.path.with_name(name),
            size=shot.size,
            exposure=shot.exposure,
            metadata=shot.metadata,
        )
        for shot, name in zip(card.shots, new, strict=True)
    ]
    found = names(group_shots(renamed))
    assert sorted(map(sorted, found)) == sorted(sorted(new[i : i + 3]) for i in (0, 3, 6))


def test_fractions_in_some_files_only_fall_back_to_names_within_the_second():
    card = Card()
    expected = card.take(0, -2, 2, pause=0.01)
    middle = card.shots[1]
    rough = CaptureMetadata(
        make="Maker", model="One", file_format="JPEG", captured_at=START.isoformat()
    )
    card.shots[1] = Shot(
        path=middle.path, size=middle.size, exposure=middle.exposure, metadata=rough
    )
    assert names(group_shots(shuffled(card.shots))) == [expected]


def test_pictures_without_times_go_by_name():
    card = Card(first=8)
    expected = [card.take(0, -2, 2) for _ in range(2)]  # IMG_0008 … IMG_0013
    timeless = [
        Shot(
            path=shot.path,
            size=shot.size,
            exposure=shot.exposure,
            metadata=CaptureMetadata(make="Maker", model="One", file_format="JPEG"),
        )
        for shot in card.shots
    ]
    assert names(group_shots(shuffled(timeless))) == expected


def test_a_clock_that_is_no_time_counts_as_unknown():
    card = Card()
    expected = card.take(0, -2, 2)
    broken = [
        Shot(
            path=shot.path,
            size=shot.size,
            exposure=shot.exposure,
            metadata=CaptureMetadata(captured_at="0000-00-00T00:00:00", file_format="JPEG"),
        )
        for shot in card.shots
    ]
    assert names(group_shots(broken)) == [expected]


# --- imperfect cards -------------------------------------------------------------------------


@pytest.mark.parametrize("missing", range(9))
def test_one_missing_frame_does_not_shift_the_others(missing):
    card = Card()
    sets = [card.take(0, -2, 2) for _ in range(3)]
    gone = card.shots.pop(missing)
    broken = missing // 3
    found = group_shots(card.shots)
    assert names(found) == [members for i, members in enumerate(sets) if i != broken]
    assert set(reasons(found)) == set(sets[broken]) - {gone.path.name}
    assert all("is a frame missing?" in reason for reason in reasons(found).values())


@pytest.mark.parametrize("level", [0, -2, 2, 0.3, 1])
def test_single_pictures_between_brackets(level):
    card = Card()
    sets = []
    singles = []
    for _ in range(3):
        sets.append(card.take(0, -2, 2))
        singles += card.take(level)
    sets.append(card.take(0, -2, 2))
    found = group_shots(card.shots)
    assert names(found) == sets
    assert set(reasons(found)) == set(singles)


def test_repeated_shots_keep_one_of_each_exposure():
    card = Card()
    card.take(-2, -2, 0, 0, 2, 2)
    found = group_shots(card.shots)
    assert names(found) == [["IMG_0002.jpg", "IMG_0003.jpg", "IMG_0005.jpg"]]
    assert reasons(found)["IMG_0001.jpg"] == (
        "the same exposure as IMG_0002.jpg, which was taken for the set"
    )


def test_burst_of_one_exposure_is_no_bracket():
    card = Card()
    card.take(*[0] * 8)
    found = group_shots(card.shots)
    assert not found.groups
    assert "all with the same exposure" in reasons(found)["IMG_0001.jpg"]


def test_series_with_automatic_exposure_is_no_bracket():
    card = Card()
    card.take(0, 1 / 3, 2 / 3, 1 / 3, 0, -1 / 3)
    assert not group_shots(card.shots).groups


def test_flagged_pictures_do_not_mix_with_others():
    card = Card()
    first = card.take(1, flagged=False)
    expected = card.take(-1, -3, 3, flagged=True)
    last = card.take(-2, flagged=False)
    found = group_shots(card.shots)
    assert names(found) == [expected]
    assert set(reasons(found)) == {*first, *last}


def test_a_zoom_in_between_separates():
    card = Card()
    card.take(0, -2, focal_length=24.0)
    card.take(2, focal_length=70.0)
    card.wait(3600)
    card.take(0)
    assert not group_shots(card.shots).groups


def test_two_cameras_in_one_folder():
    one, two = Card(model="One"), Card(model="Two", first=501)
    expected = []
    for _ in range(3):
        expected.append(one.take(0, -2, 2))
        two.wait(0.1)
        expected.append(two.take(-1, 0, 1))
    found = group_shots(shuffled(one.shots + two.shots))
    assert sorted(names(found)) == sorted(expected)


def test_two_bodies_of_one_model_are_told_apart_by_serial():
    one, two = Card(), Card(first=501)
    expected = [one.take(0, -2, 2, serial="1"), two.take(0, -2, 2, serial="2")]
    assert names(group_shots(shuffled(one.shots + two.shots))) == expected


def test_sizes_do_not_mix():
    card = Card()
    card.take(0, -2, 2)
    small = card.shots[1]
    card.shots[1] = Shot(
        path=small.path, size=(2000, 3000), exposure=small.exposure, metadata=small.metadata
    )
    assert not group_shots(card.shots).groups


def test_raw_beside_jpeg_is_one_shot():
    card = Card()
    expected = card.take(0, -2, 2)
    raws = [
        Shot(
            path=shot.path.with_suffix(".CR2"),
            size=(4010, 6020),
            exposure=shot.exposure,
            metadata=CaptureMetadata(
                make="Maker",
                model="One",
                captured_at=shot.metadata.captured_at,
                file_format="RAW",
            ),
        )
        for shot in card.shots
    ]
    found = group_shots(shuffled(card.shots + raws))
    assert names(found) == [expected]
    assert reasons(found)["IMG_0002.CR2"] == "the same shot as IMG_0002.jpg"


def test_brackets_by_aperture_and_iso():
    card = Card()
    card.take(0, 0, 0)
    varied = [
        Shot(path=shot.path, size=shot.size, metadata=shot.metadata, exposure=exposure)
        for shot, exposure in zip(
            card.shots,
            (
                Exposure(seconds=1 / 125, iso=100.0, f_number=16.0),
                Exposure(seconds=1 / 125, iso=100.0, f_number=8.0),
                Exposure(seconds=1 / 125, iso=400.0, f_number=8.0),
            ),
            strict=True,
        )
    ]
    found = group_shots(varied)
    assert found.groups[0].evs == pytest.approx([0, 2, 4])


def test_iso_unknown_for_one_frame_is_ignored_for_all():
    card = Card()
    card.take(0, -2, 2)
    odd = card.shots[1]
    assert odd.exposure is not None
    card.shots[1] = Shot(
        path=odd.path,
        size=odd.size,
        metadata=odd.metadata,
        exposure=Exposure(seconds=odd.exposure.seconds, f_number=8.0),
    )
    assert group_shots(card.shots).groups[0].evs == pytest.approx([2, 0, 4])


def test_no_exposure_is_left_out_with_the_way_out():
    card = Card()
    card.take(0, -2, 2)
    bare = [Shot(path=shot.path, size=shot.size) for shot in card.shots]
    found = group_shots(bare)
    assert not found.groups
    assert "manifest" in reasons(found)["IMG_0001.jpg"]


# --- folders ---------------------------------------------------------------------------------


def test_folder_of_its_own_is_a_set_by_hand():
    """As people work: 40 s to turn the dial, not in order of exposure."""
    sets = []
    for folder in ("arch", "lake"):
        card = Card(folder)
        card.take(0, -1.6, 1.4, 3, 4, pause=40)
        sets += card.shots
    found = group_shots(sets)
    assert [group.name for group in found.groups] == ["arch", "lake"]
    assert [group.rule for group in found.groups] == ["folder", "folder"]
    assert [len(group.shots) for group in found.groups] == [5, 5]


def test_folder_over_a_day_is_no_set():
    card = Card()
    card.take(0, -2, 2, pause=3600)
    assert not group_shots(card.shots).groups


def test_folders_do_not_mix():
    one, two = Card("a"), Card("b", first=3)
    one.take(0, -2)
    two.now = one.now
    two.take(2)
    assert not group_shots(one.shots + two.shots).groups


# --- overrides -------------------------------------------------------------------------------


def test_group_by_count():
    card = Card()
    card.take(*[0] * 7)
    found = group_by_count(shuffled(card.shots), 3)
    assert names(found) == [
        [f"IMG_{n:04d}.jpg" for n in numbers] for numbers in ((1, 2, 3), (4, 5, 6))
    ]
    assert reasons(found) == {
        "IMG_0007.jpg": "7 files in card of this camera and size do not divide into groups of 3"
    }


def test_group_by_count_below_three():
    with pytest.raises(UsageError, match="--group must be 3 or more, got 2"):
        group_by_count([], 2)


def _files(*paths: str) -> list[Shot]:
    return [Shot(path=Path(path), size=SIZE) for path in paths]


def test_group_by_pattern_on_names():
    found = group_by_pattern(
        _files("d/a_1.jpg", "d/a_2.jpg", "d/a_3.jpg", "d/b_1.jpg", "d/x.jpg", "d/a_b_10.jpg"),
        "{set}_[0-9].jpg",
    )
    assert names(found) == [["a_1.jpg", "a_2.jpg", "a_3.jpg"]]
    assert found.groups[0].name == "a"
    assert "only 1 of the 3" in reasons(found)["b_1.jpg"]
    assert "does not match" in reasons(found)["x.jpg"]


def test_group_by_pattern_on_folders_keeps_equal_names_apart():
    files = _files(*(f"{top}/{s}/{n}.png" for top in "uv" for s in "ab" for n in (1, 2, 10)))
    found = group_by_pattern(files, "{set}/*.png")
    assert [group.name for group in found.groups] == ["a", "b", "a", "b"]
    assert names(found)[0] == ["1.png", "2.png", "10.png"]


@pytest.mark.parametrize("pattern", ["{set}[z-a]", "[9-0]{set}.jpg"])
def test_a_range_that_runs_backwards_is_refused(pattern):
    with pytest.raises(UsageError, match="bad character range"):
        group_by_pattern([], pattern)


@pytest.mark.parametrize("pattern", ["*.jpg", "{set}_{set}.jpg"])
def test_pattern_needs_one_placeholder(pattern):
    with pytest.raises(UsageError, match="once"):
        group_by_pattern([], pattern)


@pytest.mark.parametrize(("pattern", "name"), [("{set}.[!a-z]", "s.1"), ("{set}+(?).p", "s+(x).p")])
def test_pattern_characters_are_the_shells(pattern, name):
    assert "name" not in reasons(group_by_pattern(_files(name), pattern))[name]


def test_natural_key():
    paths = [Path(name) for name in ("IMG_10.jpg", "img_9.jpg", "IMG_1.jpg", "a.jpg", "2.jpg")]
    assert [path.name for path in sorted(paths, key=natural_key)] == [
        "2.jpg",
        "a.jpg",
        "IMG_1.jpg",
        "img_9.jpg",
        "IMG_10.jpg",
    ]


def test_options_are_checked():
    with pytest.raises(UsageError, match="0 s or more, got -1"):
        GroupingOptions(max_gap=-1)
    with pytest.raises(UsageError, match="limit of 2"):
        GroupingOptions(max_frames=2)


# --- properties ------------------------------------------------------------------------------

levels = st.sampled_from([-4, -2, -1, -1 / 3, 0, 1 / 3, 1, 2, 3])
pictures = st.lists(
    st.tuples(levels, st.floats(0, 30), st.sampled_from([None, False, True])), max_size=25
)


def _card_of(sequence: Sequence[tuple[float, float, bool | None]], fractions: bool) -> Card:
    card = Card(fractions=fractions)
    for ev, pause, flagged in sequence:
        card.take(ev, pause=pause, flagged=flagged)
    return card


@given(pictures, st.booleans(), st.integers(0, 2**16))
def test_every_file_is_in_one_place_whatever_the_order(sequence, fractions, seed):
    card = _card_of(sequence, fractions)
    found = group_shots(shuffled(card.shots, seed))
    placed = [name for group in names(found) for name in group] + list(reasons(found))
    assert sorted(placed) == [shot.path.name for shot in card.shots]
    assert group_shots(card.shots) == found


@given(pictures, st.booleans())
def test_every_group_is_a_bracket(sequence, fractions):
    for group in group_shots(_card_of(sequence, fractions).shots).groups:
        ordered = sorted(group.evs)
        assert len(ordered) >= 3
        assert ordered[0] == 0
        assert min(high - low for low, high in pairwise(ordered)) > 0.25
        assert len({bool(shot.metadata.bracketed) for shot in group.shots}) == 1
        assert "steps of" in group.reason


orders = st.sampled_from([(0, -2, 2), (-2, 0, 2), (0, -1, 1, -2, 2), (-1, 0, 1)])


@given(
    orders,
    st.lists(st.tuples(st.integers(-6, 6), st.floats(0.01, 40)), min_size=1, max_size=8),
    st.booleans(),
    st.floats(1 / 4000, 20),
)
def test_one_setting_in_any_light_at_any_pace_is_found_again(order, scenes, fractions, base):
    """The same bracketing all day, light changing by whole thirds, pauses of any length."""
    card = Card(fractions=fractions)
    expected = []
    for drift, pause in scenes:
        expected.append(card.take(*(ev + drift / 3 for ev in order), base=base, pause=0.1))
        card.wait(pause)
    found = group_shots(shuffled(card.shots))
    assert names(found) == expected
    assert not found.left_out
