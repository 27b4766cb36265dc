"""What a record says of a set that was done before."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest

from ahdr_cli.batch import PlannedSet, SetResult
from ahdr_cli.batch.result import FrameReport

PLANNED = PlannedSet(inputs=(), output=PurePosixPath("a.exr"))
DONE = SetResult(
    planned=PLANNED,
    status="done",
    output=Path("a.exr"),
    frames=tuple(
        FrameReport(path=f"{i}.jpg", ev=float(i), ratio=4.0**i, seconds=4.0**i, iso=100)
        for i in range(3)
    ),
    size=(24, 32),
    offset_ev=1.5,
    warnings=("a doubt",),
    seconds={"read": 0.5},
    computed={"device": "cpu"},
    aligned_px=(0.0, 1.25),
    highlights=("shorter.jpg",),
)
HUGE = 10**400


def record_of(result: SetResult) -> dict:
    return json.loads(json.dumps(result.to_record()))


def test_what_a_record_keeps_is_read_again():
    found = SetResult.from_record(PLANNED, Path("a.exr"), record_of(DONE))
    assert found.status == "skipped"
    assert record_of(found) == record_of(DONE)


@pytest.mark.parametrize(
    "change",
    [
        {"offset_ev": "abc"},
        {"offset_ev": float("nan")},
        {"offset_ev": 1e5},
        {"offset_ev": True},
        {"matched_ev": [1]},
        {"matched_ev": HUGE},
        {"aligned_px": [HUGE]},
        {"aligned_px": [float("inf")]},
        {"seconds": {"read": HUGE}},
        {"seconds": 3},
        {"size": [float("inf"), 3]},
        {"size": [3]},
        {"computed": {"device": float("nan")}},
        {"highlights": 3},
        {"frames": []},
    ],
)
def test_a_record_that_makes_no_sense_is_refused(change):
    with pytest.raises(
        (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)
    ):
        SetResult.from_record(PLANNED, Path("a.exr"), record_of(DONE) | change)


def test_a_shutter_time_may_be_unknown():
    record = record_of(DONE)
    record["frames"][1]["seconds"] = None
    found = SetResult.from_record(PLANNED, Path("a.exr"), record)
    assert [frame.seconds for frame in found.frames] == [1.0, None, 16.0]


@pytest.mark.parametrize(
    "change",
    [
        {"path": 3},
        {"ev": "0"},
        {"ev": HUGE},
        {"ratio": 0},
        {"seconds": 0},
        {"seconds": "1"},
        {"seconds": float("nan")},
        {"iso": "100"},
        {"f_number": {}},
        {"nonsense": 1},
    ],
)
def test_a_frame_that_makes_no_sense_is_refused(change):
    record = record_of(DONE)
    record["frames"][1] |= change
    with pytest.raises((TypeError, ValueError, OverflowError)):
        SetResult.from_record(PLANNED, Path("a.exr"), record)
