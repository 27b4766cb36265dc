"""The help of every command, as the documentation shows it."""

from __future__ import annotations

import subprocess
import sys


def test_the_documentation_shows_the_present_help(repository):
    done = subprocess.run(
        [sys.executable, repository / "docs" / "generate.py", "--check"], check=False
    )
    assert done.returncode == 0, "docs/commands.md is out of date: run `make docs`"
