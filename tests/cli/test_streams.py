"""Streams that are closed, full or unread, and names of files that are no text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.cli.streams import visible

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs Linux' /dev/full")


def run(*arguments: object, **streams) -> subprocess.CompletedProcess[bytes]:
    """`ahdr` in a process of its own."""
    command = [sys.executable, "-m", "ahdr_cli", *map(str, arguments)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run(command, check=False, **streams)


@pytest.fixture
def unread() -> int:
    """The end of a pipe to write to, whose other end is closed."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@given(st.text(max_size=60))
def test_nothing_said_has_a_second_line_or_moves_the_cursor(text):
    shown = visible(text)
    assert all(character.isprintable() for character in shown)
    assert shown == text or not text.isprintable()


def test_a_name_cannot_move_the_cursor_in_what_goes_to_stdout(ahdr, bracket, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "500")  # a folded name would be no part of the output
    for path in bracket:
        (tmp_path / f"a\n\x1b[2J{path.name}").write_bytes(path.read_bytes())
    described = ahdr("info", *tmp_path.glob("a*"))
    planned = ahdr("batch", tmp_path, "--dry-run")
    for shown in (described, planned):
        assert shown.exit_code == 0, shown.stderr
        assert "\x1b" not in shown.stdout
        assert r"a\n\x1b[2J" in shown.stdout


def test_a_name_cannot_speak_for_ahdr(ahdr, tmp_path):
    result = ahdr("info", tmp_path / "nope\nahdr: wrote everything\x1b[2J.jpg")
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
    assert r"nope\nahdr: wrote everything\x1b[2J.jpg" in result.stderr


def test_a_warning_that_nobody_reads_stops_no_merge(bracket, tiny_model, tmp_path, unread):
    output = tmp_path / "out.exr"
    done = run(
        *("merge", *bracket, "--ev", "-6,0,6", "--model", tiny_model, "-o", output),
        stderr=unread,
    )
    assert done.returncode == 0
    assert output.is_file()


@needs_full
@pytest.mark.parametrize("options", [[], ["--verbose"], ["--ev", "-6,0,6"]])
def test_words_for_a_full_disk_stop_no_merge(bracket, tiny_model, tmp_path, options):
    output = tmp_path / "out.exr"
    with FULL.open("wb") as full:
        done = run(*("merge", *bracket, "--model", tiny_model, "-o", output, *options), stderr=full)
    assert done.returncode == 0
    assert output.is_file()


@needs_full
@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["merge", "--nonsense"], 2), (["info", "absent.jpg"], 3), (["info", ""], 2)],
)
def test_failures_keep_their_code_when_nobody_can_be_told(arguments, code):
    with FULL.open("wb") as full:
        assert run(*arguments, stderr=full).returncode == code


def test_failures_keep_their_code_when_nobody_listens(unread):
    assert run("info", "absent.jpg", stderr=unread).returncode == 3


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_data_that_nobody_reads_is_no_failure(bracket, unread, options):
    done = run("info", bracket[0], *options, stdout=unread)
    assert (done.returncode, done.stderr) == (0, b"")


@needs_full
@pytest.mark.parametrize("arguments", [["--version"], ["merge", "--help"]])
def test_help_into_a_full_disk_is_one_line(arguments):
    with FULL.open("wb") as full:
        done = run(*arguments, stdout=full)
    assert done.returncode == 6
    assert done.stderr == (
        b"ahdr: error: standard output cannot be written: no space left on device\n"
    )


@needs_full
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_data_into_a_full_disk_is_one_line(bracket, options):
    with FULL.open("wb") as full:
        done = run("info", bracket[0], *options, stdout=full)
    assert done.returncode == 6
    assert done.stderr.startswith(b"ahdr: error: standard output cannot be written: no space left")
    assert done.stderr.count(b"\n") == 1


def test_a_file_that_cannot_be_written_is_not_called_standard_output(tmp_path):
    home = tmp_path / "home"
    home.write_bytes(b"")  # no folder
    variables = {"HOME": str(home), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = run("--install-completion", "bash", env={**os.environ, **variables})
    assert done.returncode == 6
    assert done.stderr.startswith(b"ahdr: error: " + os.fsencode(home))
    assert b"standard output" not in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_no_stdout_at_all():
    done = run("--version", stdout=None, preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are text")
def test_a_name_that_is_no_text_is_shown_with_escapes(bracket, tmp_path):
    odd = os.fsencode(tmp_path) + b"/lo\xffw.jpg"
    Path(os.fsdecode(odd)).write_bytes(bracket[0].read_bytes())
    done = run("info", os.fsdecode(odd), env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert rb"lo\udcffw.jpg" in done.stdout
    found = json.loads(run("info", os.fsdecode(odd), "--json").stdout)
    assert found


def test_symbols_reach_a_terminal_that_knows_none():
    done = run("models", "list", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert rb"\u03bc" in done.stdout
