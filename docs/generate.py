"""Writes docs/commands.md, the help of every command: `python docs/generate.py`.

`--check` only says, by its exit code, whether the file is up to date.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from typer.core import TyperGroup
from typer.main import get_command

from ahdr_cli.cli.app import app

PAGE = Path(__file__).with_name("commands.md")
SHOW = "import sys; from ahdr_cli.cli.app import app; app(prog_name='ahdr', args=sys.argv[1:])"
# A terminal of fixed width without colour, whatever the one at hand is.
PLAIN = {
    "TERMINAL_WIDTH": "96",
    "COLUMNS": "96",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "PYTHONUTF8": "1",
}


def commands() -> Iterator[str]:
    """The name of every command that there is, without `ahdr`, groups before what they hold."""
    yield ""
    yield from _below(get_command(app), "")


def _below(command: object, prefix: str) -> Iterator[str]:
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield prefix + name
            yield from _below(inner, f"{prefix}{name} ")


def page() -> str:
    """The whole page."""
    parts = ["# Commands\n\nMade by `make docs`; the suite checks that it is up to date.\n"]
    for command in commands():
        shown = subprocess.run(
            [sys.executable, "-c", SHOW, *command.split(), "--help"],
            env={**os.environ, **PLAIN},
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout
        text = "\n".join(line.rstrip() for line in shown.strip("\n").splitlines())
        parts.append(f"## {' '.join(['ahdr', *command.split()])}\n\n```\n{text}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
