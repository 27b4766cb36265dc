"""`Shot`: a photograph before anything is decoded; in which order they were taken, and by what.

Conventions: `CaptureMetadata.captured_at` is when the shutter opened, so the pause before a
picture is counted from when the shutter of the one before closed. Times without fractions are
right to a second. Pictures taken in the same second, and all pictures where a time is missing,
are ordered by file name with numbers compared as numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ahdr_cli.bracket.relative import EQUAL_EV
from ahdr_cli.bracket.segmentation import Instant, exposure_values
from ahdr_cli.images import CaptureMetadata, Exposure
from ahdr_cli.natural_order import natural_key

__all__ = [
    "LeftOut",
    "Shot",
    "all_left_out",
    "has_fraction",
    "instant",
    "levels",
    "pause_between",
    "stops",
    "streams",
    "taken_at",
    "without_twins",
]

_DEVELOPED = ("TIFF", "PNG", "JPEG")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A photograph, before anything is decoded.

    Attributes:
        path: of the file.
        size: (height, width) in pixels, upright.
        exposure: None if the file does not say.
        metadata: camera, capture time and the like.
    """

    path: Path
    size: tuple[int, int]
    exposure: Exposure | None = None
    metadata: CaptureMetadata = field(default_factory=CaptureMetadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file that is in no bracket, and why."""

    path: Path
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Plain values, for JSON."""
        return {"path": str(self.path), "reason": self.reason}


def all_left_out(shots: Iterable[Shot], reason: str) -> list[LeftOut]:
    """Several files that are in no bracket, for one reason."""
    return [LeftOut(path=shot.path, reason=reason) for shot in shots]


def without_twins(shots: list[Shot]) -> tuple[list[Shot], list[LeftOut]]:
    """One file per shutter release: cameras write RAW and JPEG, converters a TIFF beside them."""
    by_stem: dict[tuple[Path, str], list[Shot]] = {}
    for shot in sorted(shots, key=lambda shot: natural_key(shot.path)):
        stem = (shot.path.parent, shot.path.stem.casefold())
        by_stem.setdefault(stem, []).append(shot)
    kept: list[Shot] = []
    left_out: list[LeftOut] = []
    for twins in by_stem.values():
        formats = [shot.metadata.file_format or "" for shot in twins]
        if len(set(formats)) < len(twins):  # two JPEGs, a.jpg and A.jpg, are two pictures
            kept += twins
            continue
        ranks = [_DEVELOPED.index(kind) if kind in _DEVELOPED else 99 for kind in formats]
        chosen = twins[ranks.index(min(ranks))]
        kept.append(chosen)
        others = (shot for shot in twins if shot is not chosen)
        left_out += all_left_out(others, f"the same shot as {chosen.path.name}")
    return kept, left_out


def streams(shots: Sequence[Shot]) -> list[list[Shot]]:
    """One camera, one size, one kind of file, in one folder; each in the order taken."""
    sorted_out: dict[tuple[object, ...], list[Shot]] = {}
    for shot in shots:
        meta = shot.metadata
        key = (
            shot.path.parent,
            meta.make,
            meta.model,
            meta.serial,
            meta.file_format,
            shot.size,
        )
        sorted_out.setdefault(key, []).append(shot)
    return [_in_order(stream) for stream in sorted_out.values()]


def _in_order(stream: list[Shot]) -> list[Shot]:
    """Sorted by capture time, and by name where times are equal or missing."""
    by_name = sorted(stream, key=lambda shot: natural_key(shot.path))
    times = {shot.path: taken_at(shot) for shot in by_name}
    if any(time is None for time in times.values()):
        return by_name
    coarse = {
        time.replace(microsecond=0)
        for shot in by_name
        if (time := times[shot.path]) is not None and not has_fraction(shot)
    }

    def moment(shot: Shot) -> datetime:
        time = times[shot.path]
        assert time is not None  # checked above
        second = time.replace(microsecond=0)
        return second if second in coarse else time

    return sorted(by_name, key=moment)  # a stable sort: equal moments keep the order of names


def taken_at(shot: Shot) -> datetime | None:
    """Local time; None if the file does not say, or nothing that is a time."""
    text = shot.metadata.captured_at
    if text is None:
        return None
    try:
        # One camera has one clock; a time zone in some files only would make them incomparable.
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def has_fraction(shot: Shot) -> bool:
    """Whether the time of capture is finer than a second."""
    return "." in (shot.metadata.captured_at or "")


def pause_between(earlier: Shot, later: Shot) -> float:
    """Seconds from the end of one exposure to the start of the next; 0 if unknown or negative."""
    one, other = taken_at(earlier), taken_at(later)
    if one is None or other is None:
        return 0.0
    shutter = earlier.exposure.seconds if earlier.exposure is not None else 0.0
    return max(0.0, (other - one).total_seconds() - shutter)


def instant(run: Sequence[Shot], index: int) -> Instant:
    """What the segmentation of a run needs to know of one picture, whose exposure is known."""
    shot = run[index]
    assert shot.exposure is not None  # those without were left out before
    exposure = shot.exposure
    return Instant(
        seconds=math.log2(exposure.seconds),
        iso=None if exposure.iso is None else math.log2(exposure.iso),
        aperture=None if exposure.f_number is None else -2 * math.log2(exposure.f_number),
        zoom=shot.metadata.focal_length or None,
        pause=pause_between(run[index - 1], shot) if index > 0 else 0.0,
        flagged=shot.metadata.bracketed,
    )


def stops(shots: Sequence[Shot]) -> list[float]:
    """Exposures in EV against each other; all must be known."""
    return list(exposure_values([instant(shots, i) for i in range(len(shots))]))


def levels(evs: Sequence[float]) -> list[float]:
    """Different exposures, ascending."""
    found: list[float] = []
    for ev in sorted(evs):
        if not found or ev - found[-1] >= EQUAL_EV:
            found.append(ev)
    return found
