"""The name by which files say that we made them."""

from __future__ import annotations

from ahdr_cli._version import __version__

__all__ = ["SOFTWARE", "is_ours"]

_PROGRAM = "ahdr "

SOFTWARE = f"{_PROGRAM}{__version__}"
"""What our files say of the program that made them."""


def is_ours(software: str | None) -> bool:
    """Whether a file that says this was made by some version of ahdr."""
    return software is not None and software.startswith(_PROGRAM)
