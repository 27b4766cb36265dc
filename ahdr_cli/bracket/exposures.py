"""Exposures that the user gives: shutter times, exposure values, or Kalantari's text file.

What the user gives replaces what the files say entirely, ISO and aperture included.
Text is parsed with a grammar, never evaluated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ahdr_cli.errors import ExposureError, counted, reason_of
from ahdr_cli.images import Exposure, Frame

__all__ = ["LARGEST_EV", "parse_evs", "parse_exposures", "read_ev_file", "with_exposures"]

LARGEST_EV = 32.0
"""Limit of exposure values, in stops either way: twice what any camera spans."""

_DECIMAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SECONDS = re.compile(rf"({_DECIMAL})(?:/({_DECIMAL}))?")
_EV = re.compile(_DECIMAL)

_SECONDS_HINT = "give seconds as fractions or decimals, e.g. --exposures 1/1000,1/250,1/60"
_EV_HINT = "give stops, e.g. --ev -2,0,2"
_FILE_HINT = "the file must hold one EV a line, in the order of the frames"

_SHORTEST, _LONGEST = 1e-9, 1e7  # seconds: one nanosecond, four months
_LARGEST_FILE = 64 * 1024  # bytes; three lines are some thirty


def parse_exposures(text: str, *, count: int | None = None) -> tuple[Exposure, ...]:
    """Shutter times in seconds, separated by commas: ``1/1000,1/250,0.0166``.

    Args:
        text: what the user wrote.
        count: how many are needed, if known.

    Raises:
        ExposureError: not numbers, not positive, or not `count`.
    """
    values = [_seconds(item) for item in _items(text, hint=_SECONDS_HINT)]
    _check_count(len(values), count, hint=_SECONDS_HINT)
    return tuple(Exposure(seconds=value) for value in values)


def parse_evs(text: str, *, count: int | None = None) -> tuple[Exposure, ...]:
    """Exposure values in stops, separated by commas: ``-2,0,2``. Larger is brighter.

    Args:
        text: what the user wrote.
        count: how many are needed, if known.

    Raises:
        ExposureError: not numbers, out of range, or not `count`.
    """
    values = [_ev(item, hint=_EV_HINT) for item in _items(text, hint=_EV_HINT)]
    _check_count(len(values), count, hint=_EV_HINT)
    return tuple(Exposure.from_ev(value) for value in values)


def read_ev_file(path: str | Path, *, count: int | None = None) -> tuple[Exposure, ...]:
    """Exposure values from a text file, one a line: ``exposure.txt`` of Kalantari's dataset.

    Blank lines are skipped.

    Args:
        path: of the file, UTF-8.
        count: how many are needed, if known.

    Raises:
        ExposureError: the file cannot be read, or does not hold `count` numbers.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise ExposureError(f"cannot be read: {reason_of(error)}", path=path) from error
    if len(content) > _LARGEST_FILE:
        raise ExposureError("too large for a list of exposures", path=path, hint=_FILE_HINT)
    try:
        # utf-8-sig: editors on Windows put a byte-order mark first.
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ExposureError("not a text file", path=path, hint=_FILE_HINT) from error
    items = [line.strip() for line in lines if line.strip()]
    values = [_ev(item, hint=_FILE_HINT, path=path) for item in items]
    if not values:
        raise ExposureError("holds no exposures", path=path, hint=_FILE_HINT)
    _check_count(len(values), count, hint=_FILE_HINT, path=path)
    return tuple(Exposure.from_ev(value) for value in values)


def with_exposures(frames: Sequence[Frame], exposures: Sequence[Exposure]) -> tuple[Frame, ...]:
    """Frames with the given exposures, by position, in place of any that they had.

    Raises:
        ExposureError: as many exposures as frames are needed.
    """
    _check_count(len(exposures), len(frames), hint="give one exposure for each frame, in order")
    return tuple(
        replace(frame, exposure=exposure) for frame, exposure in zip(frames, exposures, strict=True)
    )


def _items(text: str, *, hint: str) -> list[str]:
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        what = f"a gap in the list {_quote(text)}" if any(items) else "the list is empty"
        raise ExposureError(what, hint=hint)
    return items


def _seconds(item: str) -> float:
    match = _SECONDS.fullmatch(item)
    if match is None:
        raise ExposureError(
            f"exposure {_quote(item)} is not a number of seconds", hint=_SECONDS_HINT
        )
    numerator, denominator = float(match[1]), float(match[2] or 1)
    if denominator == 0:
        raise ExposureError(f"exposure {_quote(item)} divides by zero", hint=_SECONDS_HINT)
    value = numerator / denominator
    if not value > 0:
        raise ExposureError(f"exposure {_quote(item)} is not above zero", hint=_SECONDS_HINT)
    if not _SHORTEST <= value <= _LONGEST:
        raise ExposureError(
            f"exposure {_quote(item)} is out of range, "
            f"expected {_SHORTEST:g} to {_LONGEST:g} seconds",
            hint=_SECONDS_HINT,
        )
    return value


def _ev(item: str, *, hint: str, path: Path | None = None) -> float:
    if _EV.fullmatch(item) is None:
        raise ExposureError(f"EV {_quote(item)} is not a number of stops", path=path, hint=hint)
    value = float(item)
    if not abs(value) <= LARGEST_EV or not math.isfinite(value):
        raise ExposureError(
            f"EV {_quote(item)} is out of range, expected -{LARGEST_EV:g} to {LARGEST_EV:g}",
            path=path,
            hint=hint,
        )
    return value


def _check_count(found: int, expected: int | None, *, hint: str, path: Path | None = None) -> None:
    if expected is not None and found != expected:
        raise ExposureError(
            f"{counted(found, 'exposure')} for {counted(expected, 'frame')}",
            path=path,
            hint=hint,
        )


def _quote(text: str) -> str:
    """User text for a one-line message."""
    return repr(text if len(text) <= 40 else text[:39] + "…")
