"""Natural sort order: numbers in file names count as numbers."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["natural_key"]


def natural_key(path: Path) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Sorts paths as people do: IMG_9 before IMG_10, folder by folder."""
    return tuple(
        tuple(
            (0, int(piece), piece) if piece.isdecimal() else (1, 0, piece.casefold())
            for piece in re.split(r"([0-9]+)", part)
            if piece
        )
        for part in path.parts
    )
