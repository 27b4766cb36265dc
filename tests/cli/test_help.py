"""The help of every command, as the documentation shows it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from typer.main import get_command

from ahdr_cli.cli.app import app
from ahdr_cli.training.preset import available_presets


def test_the_documentation_shows_the_present_help(repository):
    done = subprocess.run(
        [sys.executable, repository / "docs" / "generate.py", "--check"], check=False
    )
    assert done.returncode == 0, "docs/commands.md is out of date: run `make docs`"


def test_the_documentation_shows_every_command(repository):
    page = (repository / "docs" / "commands.md").read_text(encoding="utf-8")
    shown = re.findall(r"^## ahdr ?(.*)$", page, re.MULTILINE)
    assert set(shown) == {"", *_names(get_command(app))}


def _names(command, prefix=""):
    for name, inner in getattr(command, "commands", {}).items():
        yield prefix + name
        yield from _names(inner, f"{prefix}{name} ")


def test_every_preset_is_named(ahdr, monkeypatch):
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    help_text = ahdr("train", "--help").stdout
    for name in available_presets():
        assert re.search(rf"\b{name}\b", help_text), name


def test_tonemap_takes_what_merge_writes(ahdr, bracket, tiny_model, tmp_path):
    made = tmp_path / "out.tif"
    assert ahdr("merge", *bracket, "-o", made, "--model", tiny_model).exit_code == 0
    assert ahdr("tonemap", made, "-o", tmp_path / "out.png").exit_code == 0
    assert ".tif" in ahdr("tonemap", "--help").stdout


@pytest.mark.parametrize(
    "page", ["README.md", "docs/batch.md", "docs/evaluation.md", "docs/training.md"]
)
def test_commands_in_the_documentation_have_options_that_exist(repository, page):
    """Commands at the start of a line, indented, or after a prompt."""
    text = (repository / page).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^(?:\$ |    )?ahdr ([a-z].*)$", text, re.MULTILINE)
    assert lines
    for line in lines:
        command, words = get_command(app), line.partition("#")[0].split()
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {"--help", *(flag for given in command.params for flag in given.opts)}
        used = {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)}
        assert used <= known, line
