from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ahdr_cli.batch import PlannedSet, read_manifest, write_manifest
from ahdr_cli.batch.manifest import is_failed_list
from ahdr_cli.errors import InputError, OutputExistsError, UsageError

names = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="/\\:"),
    min_size=1,
    max_size=12,
).filter(lambda name: name not in {".", ".."})
planned_sets = st.lists(
    st.integers(3, 7).flatmap(
        lambda count: st.builds(
            PlannedSet,
            inputs=st.lists(names, min_size=count, max_size=count).map(
                lambda found: tuple(Path(name) for name in found)
            ),
            output=names.map(lambda name: PurePosixPath(f"{name}.exr")),
            evs=st.none() | st.tuples(*[st.floats(-30, 30)] * count),
            reason=st.just('because, "it"; is\nso'),
        )
    ),
    max_size=4,
    unique_by=lambda planned: str(planned.output).casefold(),
)


@pytest.mark.parametrize("suffix", [".json", ".csv"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(planned_sets)
def test_what_is_written_is_read_again(tmp_path, suffix, sets):
    path = tmp_path / f"sets{suffix}"
    here = [
        PlannedSet(
            inputs=tuple(tmp_path / name for name in planned.inputs),
            output=planned.output,
            evs=planned.evs,
            reason=planned.reason,
        )
        for planned in sets
    ]
    write_manifest(path, here, overwrite=True)
    assert read_manifest(path) == tuple(here)


def test_paths_are_relative_to_the_manifest(tmp_path):
    planned = PlannedSet(
        inputs=tuple(tmp_path / "photos" / f"{i}.jpg" for i in range(3)),
        output=PurePosixPath("a.exr"),
    )
    (tmp_path / "lists").mkdir()
    path = write_manifest(tmp_path / "lists" / "sets.json", [planned])
    entry = json.loads(path.read_text())["sets"][0]
    assert entry["inputs"] == [f"../photos/{i}.jpg" for i in range(3)]
    assert [found.resolve() for found in read_manifest(path)[0].inputs] == list(planned.inputs)


def test_csv_by_hand(tmp_path):
    path = tmp_path / "sets.csv"
    path.write_text(
        "\ufeffoutput,evs,input1,input2,input3,input4\n"
        'a,"-2, 0,2",1.jpg,2.jpg,3.jpg,\n'
        "sub/b.hdr,,1.jpg,2.jpg,3.jpg,4.jpg\n",
        encoding="utf-8",
    )
    one, two = read_manifest(path)
    assert (one.output, one.evs) == (PurePosixPath("a.exr"), (-2.0, 0.0, 2.0))
    assert (two.output, two.evs, len(two.inputs)) == (PurePosixPath("sub/b.hdr"), None, 4)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_as_spreadsheets_write_it(tmp_path, separator, end, encoding):
    rows = (
        ("output", "evs", "reason", "input1", "input2", "input3"),
        ("brücke", '"-2,0,2"', '"a; b"', "é1.jpg", '"2, a.jpg"', "3.jpg"),
        ("",) * 6,
    )
    path = tmp_path / "sets.csv"
    path.write_bytes("".join(separator.join(row) + end for row in rows).encode(encoding))
    (found,) = read_manifest(path)
    assert (found.output, found.evs) == (PurePosixPath("brücke.exr"), (-2.0, 0.0, 2.0))
    assert [name.name for name in found.inputs] == ["é1.jpg", "2, a.jpg", "3.jpg"]


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_names_that_are_not_utf_8(tmp_path, suffix):
    """Where there is such a file, its name is meant; else somebody's editor wrote Latin-1."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system has no such names")
    inputs = tuple(folder / f"{i}.jpg" for i in range(3))
    for name in inputs:
        name.touch()
    planned = PlannedSet(inputs=inputs, output=PurePosixPath("a.exr"), reason="found")
    path = write_manifest(tmp_path / f"sets{suffix}", [planned])
    assert read_manifest(path) == (planned,)
    inputs[1].unlink()
    with pytest.raises(InputError, match="not there, and is not text in UTF-8"):
        read_manifest(path)


def test_an_output_that_is_not_utf_8(tmp_path):
    text = "output,input1,input2,input3\ncafé,1.jpg,2.jpg,3.jpg\n"
    (tmp_path / "sets.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match="cannot be printed") as caught:
        read_manifest(tmp_path / "sets.csv")
    assert "CSV UTF-8" in caught.value.hint


GOOD = {"output": "a.exr", "inputs": ["1", "2", "3"]}


@pytest.mark.parametrize(
    ("sets", "reason"),
    [
        ([{**GOOD, "inputs": ["1", "2"]}], "set 1: 2 inputs, a bracket has 3 or more"),
        ([{**GOOD, "inputs": "123"}], "list of file names"),
        ([{**GOOD, "inputs": ["1", "2", "3\0.jpg"]}], "no file can be called"),
        ([{**GOOD, "inputs": ["1", "2", "\ud800.jpg"]}], "no file can be called"),
        ([{**GOOD, "evs": [1, 2]}], "2 evs for 3 inputs"),
        ([{**GOOD, "evs": [1, 2, float("nan")]}], "numbers of stops"),
        ([{**GOOD, "evs": [1, 2, True]}], "numbers of stops"),
        ([{**GOOD, "evs": [1, 2, 33]}], "numbers of stops, -32 to 32"),
        ([{**GOOD, "output": "../a.exr"}], "below the output folder"),
        ([{**GOOD, "output": "/etc/a.exr"}], "below the output folder"),
        ([{**GOOD, "output": 3}], "output must be"),
        ([GOOD, 3], "set 2: expected an object"),
    ],
)
def test_sets_that_make_no_sense(tmp_path, sets, reason):
    path = tmp_path / "sets.json"
    path.write_text(json.dumps({"ahdr_manifest": 1, "sets": sets}))
    with pytest.raises(InputError, match=reason):
        read_manifest(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "["),
        ("a.json", "[]"),
        ("a.json", '{"sets": []}'),
        ("a.json", '{"ahdr_manifest": 2, "sets": []}'),
        ("a.json", "[" * 100_000),
        ("a.csv", "output,input1,input2\n"),
        ("a.csv", "output,input1,input2,input3\na,1,2,3,4\n"),
        ("a.csv", "output,evs,input1,input2,input3\na,x,1,2,3\n"),
    ],
)
def test_files_that_are_no_manifest(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match="manifest"):
        read_manifest(tmp_path / name)


def test_two_sets_for_one_file_are_refused(tmp_path):
    path = tmp_path / "sets.json"
    other = {**GOOD, "output": "A.exr"}
    path.write_text(json.dumps({"ahdr_manifest": 1, "sets": [GOOD, other]}))
    with pytest.raises(UsageError, match="would both become"):
        read_manifest(path)


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(tmp_path / "none.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-16"):
        read_manifest(tmp_path / "binary.json")
    with pytest.raises(UsageError, match=r"\.json or \.csv"):
        read_manifest(tmp_path / "sets.txt")
    write_manifest(tmp_path / "sets.json", [])
    with pytest.raises(OutputExistsError):
        write_manifest(tmp_path / "sets.json", [])


@pytest.mark.parametrize("name", ["sets.json", "sets.csv"])
def test_lists_of_failures_are_marked(tmp_path, name):
    path = tmp_path / name
    planned = PlannedSet(
        inputs=tuple(tmp_path / f"{i}.jpg" for i in range(3)),
        output=PurePosixPath("a.exr"),
        evs=(0.0, 1.0, 2.0),
        reason="cut",
    )
    write_manifest(path, [planned])
    assert not is_failed_list(path)
    for sets in ([planned], []):
        write_manifest(path, sets, overwrite=True, failed=True)
        assert is_failed_list(path)
        assert read_manifest(path) == tuple(sets)


@pytest.mark.parametrize("text", [None, "", "[1]", "[" * 100_000, "\x00", "ahdr_failed_list"])
@pytest.mark.parametrize("name", ["sets.json", "other.csv"])
def test_other_files_are_not_marked(tmp_path, name, text):
    if text is not None:
        (tmp_path / name).write_text(text)
    marked = name.endswith(".csv") and text == "ahdr_failed_list"
    assert is_failed_list(tmp_path / name) == marked
