from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.bracket import parse_evs, parse_exposures, read_ev_file, with_exposures
from ahdr_cli.errors import AhdrError, ExposureError
from ahdr_cli.images import Exposure


def seconds_of(text):
    return [e.seconds for e in parse_exposures(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/1000,1/250,1/60", [1 / 1000, 1 / 250, 1 / 60]),
        ("0.001,0.004,0.0166", [0.001, 0.004, 0.0166]),
        (" 1/1000 , .25,2. ", [0.001, 0.25, 2.0]),
        ("2491188/1000000000", [0.002491188]),
        ("1e-3,2.5E-1,1/2.5", [0.001, 0.25, 0.4]),
        ("30", [30.0]),
    ],
)
def test_shutter_times(text, expected):
    assert seconds_of(text) == expected


def test_what_is_given_replaces_iso_and_aperture():
    assert parse_exposures("1/8") == (Exposure(seconds=0.125),)
    assert parse_evs("-3") == (Exposure(seconds=0.125, relative=True),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "list is empty"),
        (" , ", "list is empty"),
        ("1/60,,1/15", "gap"),
        ("1/60,", "gap"),
        ("0", "not above zero"),
        ("-1/60", "not above zero"),
        ("1/-60", "not above zero"),
        ("1/0", "divides by zero"),
        ("1/1e-999", "divides by zero"),
        ("nan", "not a number"),
        ("inf", "not a number"),
        ("1e999", "out of range"),
        ("1e999/1e999", "not above zero"),
        ("1e-99", "out of range"),
        ("1/60s", "not a number"),
        ("1/2/3", "not a number"),
        ("1 / 60", "not a number"),
        ("1_000", "not a number"),
        ("٣", "not a number"),
        ("2**9", "not a number"),
        ("__import__('os').getcwd()", "not a number"),
        ("1/60\n1/15", "not a number"),
    ],
)
def test_wrong_shutter_times(text, reason):
    with pytest.raises(ExposureError, match=reason) as caught:
        parse_exposures(text)
    assert caught.value.exit_code == 4
    assert "--exposures 1/1000,1/250,1/60" in caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_long_text_is_shortened_in_the_message():
    with pytest.raises(ExposureError) as caught:
        parse_exposures("x" * 10_000)
    assert len(str(caught.value)) < 250


def test_stops():
    assert [e.seconds for e in parse_evs("-2,0,2")] == [0.25, 1.0, 4.0]
    assert [e.seconds for e in parse_evs("+1, .5,-0")] == [2.0, 2**0.5, 1.0]


@pytest.mark.parametrize("text", ["", "a", "1/3", "nan", "-inf", "33", "-1e400", "0,,2", "--2"])
def test_wrong_stops(text):
    with pytest.raises(ExposureError) as caught:
        parse_evs(text)
    assert "--ev -2,0,2" in caught.value.hint


@pytest.mark.parametrize("parse", [parse_exposures, parse_evs])
def test_the_count_is_checked(parse):
    assert len(parse("1,2,3", count=3)) == 3
    with pytest.raises(ExposureError, match="2 exposures for 3 frames"):
        parse("1,2", count=3)
    with pytest.raises(ExposureError, match="1 exposure for 3 frames"):
        parse("1", count=3)


@given(st.text(max_size=30) | st.text(alphabet="0123456789./,eE+- nainf", max_size=20))
def test_no_text_provokes_anything_but_our_error(text):
    for parse in (parse_exposures, parse_evs):
        try:
            exposures = parse(text)
        except AhdrError as error:
            assert error.hint
        else:
            assert all(e.seconds > 0 for e in exposures)


@given(st.lists(st.floats(min_value=1e-9, max_value=1e7), min_size=1, max_size=5))
def test_decimals_survive_exactly(values):
    assert seconds_of(",".join(map(repr, values))) == values


@pytest.mark.parametrize(
    "content",
    [
        b"-2.000000\n0.000000\n2.000000\n",
        b"-2\r\n0\r\n2",
        b"\xef\xbb\xbf-2\n0\n2\n\n",
        b"\n  -2\n\n 0 \n 2\n",
    ],
)
def test_kalantari_file(tmp_path, content):
    path = tmp_path / "exposure.txt"
    path.write_bytes(content)
    assert [e.seconds for e in read_ev_file(path, count=3)] == [0.25, 1.0, 4.0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "holds no exposures"),
        (b"\n\n", "holds no exposures"),
        (b"-2\n0\n", "2 exposures for 3 frames"),
        (b"-2\nzero\n2\n", "'zero'"),
        (b"-2 0 2\n", "'-2 0 2'"),
        (b"1/1000\n1/250\n1/60\n", "not a number of stops"),
        (b"-2\nnan\n2\n", "not a number of stops"),
        (b"\xff\xfe-\x002\x00", "not a text file"),
        (b"\x00\x00\x00\n", "not a number of stops"),
        (b"0\n" * 40_000, "too large"),
    ],
)
def test_wrong_kalantari_file(tmp_path, content, reason):
    path = tmp_path / "exposure.txt"
    path.write_bytes(content)
    with pytest.raises(ExposureError, match=reason) as caught:
        read_ev_file(path, count=3)
    assert caught.value.path == path
    assert "one EV a line" in caught.value.hint


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(ExposureError, match="no such file"):
        read_ev_file(tmp_path / "absent.txt")
    with pytest.raises(ExposureError, match="directory" if os.name == "posix" else "denied"):
        read_ev_file(tmp_path)


def test_given_exposures_replace_those_of_the_files(make_frame):
    frames = [make_frame(exposure=Exposure(seconds=1, iso=i, f_number=2)) for i in (100, 200)]
    changed = with_exposures(frames, parse_evs("1,0"))
    assert [f.exposure for f in changed] == [Exposure.from_ev(1), Exposure.from_ev(0)]
    assert changed[0].pixels is frames[0].pixels
    with pytest.raises(ExposureError, match="3 exposures for 2 frames"):
        with_exposures(frames, parse_evs("1,0,2"))
