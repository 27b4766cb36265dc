"""The command as a whole: help, exit codes, streams, start-up and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
import typer

from ahdr_cli import __version__
from ahdr_cli.cli import console
from ahdr_cli.cli.console import EXIT_CODES
from ahdr_cli.errors import AhdrError

COMMANDS = ("merge", "tonemap", "info", "doctor", "models")


def test_version(ahdr):
    assert ahdr("--version").stdout == f"ahdr {__version__}\n"


def test_no_arguments_show_help_and_exit_with_usage(ahdr):
    result = ahdr()
    assert result.exit_code == 2
    assert "merge" in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_the_exit_codes(ahdr, command):
    result = ahdr(command, "--help")
    assert result.exit_code == 0
    shown = " ".join(result.stdout.split())
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in shown


def test_every_error_class_has_a_documented_exit_code():
    def family(cls):
        yield cls
        for child in cls.__subclasses__():
            yield from family(child)

    assert {cls.exit_code for cls in family(AhdrError)} <= set(EXIT_CODES)


def test_the_readme_has_the_table_of_exit_codes(repository):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    for code, meaning in EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in readme


@pytest.mark.parametrize("arguments", [["--help"], ["merge", "--help"], ["--version"]])
def test_help_is_light(arguments):
    """Neither torch nor cv2 nor numpy is imported for help, nor by the package itself."""
    script = (
        "import sys, ahdr_cli\n"
        "from ahdr_cli.cli.app import app\n"
        f"try: app({arguments!r})\n"
        "except SystemExit as stop: assert stop.code == 0, stop.code\n"
        "heavy = {'torch', 'cv2', 'numpy', 'onnxruntime', 'PIL', 'imageio'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_unexpected_failures_are_one_line_with_exit_code_1(capsys):
    @console.guarded
    def broken() -> None:
        raise ZeroDivisionError("two\nlines")

    with pytest.raises(typer.Exit) as stop:
        broken()
    assert stop.value.exit_code == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "ZeroDivisionError: two lines" in captured.err


def test_unexpected_failures_show_themselves_when_asked(monkeypatch):
    monkeypatch.setenv(console.DEBUG_VARIABLE, "1")

    @console.guarded
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()


def test_interruption_exits_with_130():
    @console.guarded
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(typer.Exit) as stop:
        interrupted()
    assert stop.value.exit_code == 130


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_stop_a_merge_without_leftovers(bracket, tmp_path, number, code):
    """Interrupted while the frames are being read: no output, no temporary file, no traceback."""
    script = (
        "import sys, time\n"
        "import ahdr_cli.io\n"
        "def slow(*a, **k):\n"
        "    print('reading', flush=True)\n"
        "    time.sleep(60)\n"
        "ahdr_cli.io.read_frames = slow\n"
        "from ahdr_cli.cli.app import main\n"
        "main()\n"
    )
    before = set(tmp_path.iterdir())
    process = subprocess.Popen(
        [sys.executable, "-c", script, "merge", *map(str, bracket), "-o", tmp_path / "out.hdr"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "reading\n"
    time.sleep(0.1)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in stderr
    assert set(tmp_path.iterdir()) == before


def test_a_reader_that_goes_away_is_no_failure(bracket):
    """`ahdr info … | true`."""
    command = f"{sys.executable} -m ahdr_cli info {bracket[0]} --json | true"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; sleep 0.1; {command}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["info", "junk.jpg"], 3),
        (["merge", "junk.jpg", "b.jpg", "c.jpg", "-o", "out.exr"], 3),
        (["merge", "a.jpg", "b.jpg", "c.jpg", "--ev-file", "junk.jpg", "-o", "out.exr"], 4),
        (["attention", "junk.jpg", "b.jpg", "c.jpg", "-o", "maps"], 3),
        (["eval", "--no-reference", "junk.jpg", "b.jpg", "c.jpg"], 3),
        (["tonemap", "junk.jpg", "-o", "out.png"], 3),
        (["models", "import", "junk.jpg", "-o", "out.safetensors"], 5),
        (["batch", "--manifest", "junk.csv", "-o", "out"], 3),
    ],
)
def test_files_that_may_not_be_read_are_the_readers_business(
    ahdr, bracket, tmp_path, monkeypatch, arguments, code
):
    """Typer would call it a mistake in the command, and draw a box. (Root may read anything.)"""
    for name, path in zip("abc", bracket, strict=True):
        (tmp_path / f"{name}.jpg").write_bytes(path.read_bytes())
    for name in ("junk.jpg", "junk.csv"):
        (tmp_path / name).write_bytes(b"junk")
    monkeypatch.chdir(tmp_path)
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.R_OK and allowed(path, mode))
    result = ahdr(*arguments)
    assert result.exit_code == code, result.stderr
    assert result.stderr.startswith("ahdr: error: junk")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (("batch", ""), "the argument after batch"),
        (("batch", "photos", "-o", ""), "the argument after -o"),
        (("batch", "photos", "--output="), "--output"),
        (("merge", "a", "", "c", "-o", "out.exr"), "the argument after a"),
        (("merge", "a", "b", "c", "-o", ""), "the argument after -o"),
        (("attention", "a", "b", "c", "-o", ""), "the argument after -o"),
        (("train", "--data", "hdr:maps", "--out", ""), "the argument after --out"),
        (("eval", "--data", "hdr:maps", "--report", ""), "the argument after --report"),
        (("tonemap", "a.exr", "-o", ""), "the argument after -o"),
        (("models", "export", "fast", "-o", ""), "the argument after -o"),
        (("data", "check", ""), "the argument after check"),
        (("",), "the first argument"),
    ],
)
def test_an_empty_argument_is_not_the_folder_that_we_are_in(ahdr, arguments, place):
    result = ahdr(*arguments)
    assert result.exit_code == 2
    assert result.stderr == (
        f"ahdr: error: {place} is empty (is a variable of the shell not set?)\n"
    )
