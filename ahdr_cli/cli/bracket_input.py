"""A bracket from the words of a command line: paths and, perhaps, exposures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ahdr_cli.errors import FrameCountError, UsageError

if TYPE_CHECKING:
    from ahdr_cli.bracket import Bracket, Selection
    from ahdr_cli.images import Exposure

__all__ = ["given_exposures", "read_bracket", "read_selection"]


def given_exposures(
    exposures: str | None, ev: str | None, ev_file: Path | None, count: int
) -> tuple[Exposure, ...] | None:
    """Exposures from flags, one a frame in the order of the arguments, or None.

    Raises:
        UsageError: more than one flag.
        ExposureError: no exposures, or not `count`.
    """
    flags = {"--exposures": exposures, "--ev": ev, "--ev-file": ev_file}
    used = [flag for flag, value in flags.items() if value is not None]
    if len(used) > 1:
        raise UsageError(f"{' and '.join(used)} contradict each other", hint="give one of them")
    if not used:
        return None

    from ahdr_cli.bracket import parse_evs, parse_exposures, read_ev_file

    if exposures is not None:
        return parse_exposures(exposures, count=count)
    if ev is not None:
        return parse_evs(ev, count=count)
    assert ev_file is not None  # it is the only one left
    return read_ev_file(ev_file, count=count)


def read_bracket(paths: list[Path], given: tuple[Exposure, ...] | None) -> Bracket:
    """The bracket of some photographs, of more than three the three that serve best."""
    return read_selection(paths, given, extend=False).bracket


def read_selection(
    paths: list[Path], given: tuple[Exposure, ...] | None, *, extend: bool
) -> Selection:
    """Some photographs by what they are used for; `extend` uses frames shorter than the three."""
    from ahdr_cli.bracket import Selection
    from ahdr_cli.io import read_frames

    if len(paths) < 3:
        raise FrameCountError(
            f"a bracket needs three photographs, got {len(paths)}: "
            + ", ".join(str(path) for path in paths)
        )
    return Selection.of(read_frames(paths, exposures=given), extend=extend)
