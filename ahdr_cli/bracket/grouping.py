"""Which photographs of a folder belong together: files -> brackets, with a reason for each.

Photographs are sorted into streams (one folder, one camera, one size, the same kind of file),
each stream into runs (no pause longer than `max_gap`), and each run is cut into brackets by its
exposures (:mod:`ahdr_cli.bracket.segmentation`). Nothing is dropped silently: what is in no
bracket is in `Grouping.left_out` with the reason.

Conventions: `CaptureMetadata.captured_at` is when the shutter opened, so the pause before a
picture is counted from when the shutter of the one before closed; after long exposures a dark
frame of the same length may follow. Times without fractions are right to a second. Pictures
taken in the same second, and all pictures where a time is missing, are ordered by file name
with numbers compared as numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal

from ahdr_cli.bracket.relative import EQUAL_EV
from ahdr_cli.bracket.segmentation import (
    MAX_STEP_EV,
    MIN_STEP_EV,
    Cut,
    Instant,
    cut_run,
    exposure_values,
    usual_pattern,
)
from ahdr_cli.errors import UsageError
from ahdr_cli.images import CaptureMetadata, Exposure

__all__ = [
    "Group",
    "Grouping",
    "GroupingOptions",
    "LeftOut",
    "Shot",
    "group_by_count",
    "group_by_pattern",
    "group_shots",
    "natural_key",
]

Rule = Literal["exposures", "folder", "count", "pattern", "exposure-file", "manifest"]

FOLDER_SPAN = 1800.0
"""Seconds that the pictures of a folder of its own may lie apart: a bracket set by hand."""

_LONG = 1.0
"""Shutter time in seconds from which cameras take a dark frame of the same length afterwards."""


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
class GroupingOptions:
    """How photographs are put together.

    Attributes:
        max_gap: longest pause in seconds between pictures of one bracket.
        max_frames: the most different exposures of one bracket.
    """

    max_gap: float = 5.0
    max_frames: int = 9

    def __post_init__(self) -> None:
        if not (math.isfinite(self.max_gap) and self.max_gap >= 0):
            raise UsageError(f"the longest pause must be 0 s or more, got {self.max_gap:g}")
        if self.max_frames < 3:
            raise UsageError(f"a bracket has at least 3 frames, got a limit of {self.max_frames}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Photographs that make one bracket.

    Attributes:
        shots: three or more, in the order taken.
        rule: what put them together.
        reason: the same for people.
        name: the name of the set where the rule gives one, else the first file's stem.
        evs: exposures relative to the shortest in EV, one a shot; empty if unknown.
    """

    shots: tuple[Shot, ...]
    rule: Rule
    reason: str
    name: str
    evs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file that is in no bracket, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """All files, sorted: each is in exactly one group or left out."""

    groups: tuple[Group, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def group_shots(shots: Iterable[Shot], *, options: GroupingOptions = GroupingOptions()) -> Grouping:
    """Find the brackets among photographs by capture time, camera, size and exposure steps.

    A folder in which no bracket is found this way, and whose pictures all differ in exposure as
    those of one bracket do, is taken for one bracket whose exposures were set by hand.

    Args:
        shots: in any order; the result does not depend on it.
        options: limits.
    """
    kept, left_out = _without_twins(list(shots))
    groups: list[Group] = []
    for stream in _streams(kept):
        known = [shot for shot in stream if shot.exposure is not None]
        left_out += [
            LeftOut(
                path=shot.path,
                reason="no exposure in this file; list it in a manifest, or pass --exposures "
                "or --ev together with --group",
            )
            for shot in stream
            if shot.exposure is None
        ]
        found, rest = _brackets_of(known, options)
        if not found and (whole := _whole_folder(known, kept, options)) is not None:
            found, rest = [whole], []
        groups += found
        left_out += rest
    return _sorted(groups, left_out)


def group_by_count(shots: Iterable[Shot], count: int) -> Grouping:
    """Every `count` photographs of a stream in the order taken, whatever their exposures.

    Raises:
        UsageError: `count` is below three.
    """
    if count < 3:
        raise UsageError(f"--group must be 3 or more, got {count}")
    kept, left_out = _without_twins(list(shots))
    groups = []
    for stream in _streams(kept):
        whole = len(stream) - len(stream) % count
        for start in range(0, whole, count):
            members = stream[start : start + count]
            groups.append(_group(members, "count", f"{count} files in a row"))
        left_out += [
            LeftOut(
                path=shot.path,
                reason=f"{len(stream)} files in {shot.path.parent} of this camera and size do "
                f"not divide into groups of {count}",
            )
            for shot in stream[whole:]
        ]
    return _sorted(groups, left_out)


def group_by_pattern(shots: Iterable[Shot], pattern: str) -> Grouping:
    """Files whose names agree in the part that ``{set}`` stands for.

    Args:
        shots: in any order.
        pattern: of the file name, or of the end of the path if it holds a slash; ``*``, ``?``
            and ``[0-9]`` as in a shell, and ``{set}`` once, e.g. ``{set}_[0-9].jpg``.

    Raises:
        UsageError: the pattern does not hold ``{set}`` exactly once.
    """
    expression = _pattern_expression(pattern)
    members: dict[tuple[Path, str], list[Shot]] = {}
    left_out = []
    for shot in shots:
        match = expression.search(shot.path.as_posix())
        if match is None:
            left_out.append(LeftOut(path=shot.path, reason=f"its name does not match {pattern!r}"))
        else:
            # With folders in the pattern, the part of the path before it tells sets apart.
            folder = Path(shot.path.as_posix()[: match.start()])
            members.setdefault((folder, match["set"]), []).append(shot)
    groups = []
    for (_, name), found in members.items():
        if len(found) < 3:
            left_out += [
                LeftOut(
                    path=shot.path,
                    reason=f"only {len(found)} of the 3 or more files of set {name!r} are there",
                )
                for shot in found
            ]
        else:
            ordered = sorted(found, key=lambda shot: natural_key(shot.path))
            reason = f"{len(found)} files of set {name!r}"
            groups.append(_group(ordered, "pattern", reason, name=Path(name).name))
    return _sorted(groups, left_out)


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


# --- streams ---------------------------------------------------------------------------------

_DEVELOPED = ("TIFF", "PNG", "JPEG")


def _without_twins(shots: list[Shot]) -> tuple[list[Shot], list[LeftOut]]:
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
        left_out += [
            LeftOut(path=shot.path, reason=f"the same shot as {chosen.path.name}")
            for shot in twins
            if shot is not chosen
        ]
    return kept, left_out


def _streams(shots: Sequence[Shot]) -> list[list[Shot]]:
    """One camera, one size, one kind of file, in one folder; each in the order taken."""
    streams: dict[tuple[object, ...], list[Shot]] = {}
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
        streams.setdefault(key, []).append(shot)
    return [_in_order(stream) for stream in streams.values()]


def _in_order(stream: list[Shot]) -> list[Shot]:
    """By clock, and by name where the clock does not say."""
    by_name = sorted(stream, key=lambda shot: natural_key(shot.path))
    times = {shot.path: _taken_at(shot) for shot in by_name}
    if any(time is None for time in times.values()):
        return by_name
    coarse = {
        time.replace(microsecond=0)
        for shot in by_name
        if (time := times[shot.path]) is not None and not _has_fraction(shot)
    }

    def moment(shot: Shot) -> datetime:
        time = times[shot.path]
        assert time is not None  # checked above
        second = time.replace(microsecond=0)
        return second if second in coarse else time

    return sorted(by_name, key=moment)  # a stable sort: equal moments keep the order of names


def _taken_at(shot: Shot) -> datetime | None:
    text = shot.metadata.captured_at
    if text is None:
        return None
    try:
        # One camera has one clock; a time zone in some files only would make them incomparable.
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def _has_fraction(shot: Shot) -> bool:
    return "." in (shot.metadata.captured_at or "")


def _pause(earlier: Shot, later: Shot) -> float:
    """Seconds from the end of one exposure to the start of the next; 0 if unknown or negative."""
    one, other = _taken_at(earlier), _taken_at(later)
    if one is None or other is None:
        return 0.0
    shutter = earlier.exposure.seconds if earlier.exposure is not None else 0.0
    return max(0.0, (other - one).total_seconds() - shutter)


# --- brackets of a stream --------------------------------------------------------------------


def _brackets_of(
    stream: Sequence[Shot], options: GroupingOptions
) -> tuple[list[Group], list[LeftOut]]:
    runs = _runs(stream, options)
    instants = [[_instant(run, i) for i in range(len(run))] for run in runs]
    usual = usual_pattern(instants, max_frames=options.max_frames)
    groups: list[Group] = []
    left_out: list[LeftOut] = []
    for run, moments in zip(runs, instants, strict=True):
        cuts = cut_run(moments, max_frames=options.max_frames, usual=usual)
        groups += [_group_of_cut(run, cut) for cut in cuts]
        left_out += _left_over(run, cuts, options)
    return groups, left_out


def _runs(stream: Sequence[Shot], options: GroupingOptions) -> list[list[Shot]]:
    runs: list[list[Shot]] = []
    for shot in stream:
        if runs and _pause(runs[-1][-1], shot) <= _allowed(runs[-1][-1], shot, options):
            runs[-1].append(shot)
        else:
            runs.append([shot])
    return runs


def _allowed(earlier: Shot, later: Shot, options: GroupingOptions) -> float:
    """Longest pause between these two: rounded times and a dark frame are allowed for."""
    allowed = options.max_gap
    if not (_has_fraction(earlier) and _has_fraction(later)):
        allowed += 1.0
    if earlier.exposure is not None and earlier.exposure.seconds >= _LONG:
        allowed += earlier.exposure.seconds
    return allowed


def _instant(run: Sequence[Shot], index: int) -> Instant:
    shot = run[index]
    assert shot.exposure is not None  # those without were left out before
    exposure = shot.exposure
    return Instant(
        seconds=math.log2(exposure.seconds),
        iso=None if exposure.iso is None else math.log2(exposure.iso),
        aperture=None if exposure.f_number is None else -2 * math.log2(exposure.f_number),
        zoom=shot.metadata.focal_length or None,
        pause=_pause(run[index - 1], shot) if index > 0 else 0.0,
        flagged=shot.metadata.bracketed,
    )


def _group_of_cut(run: Sequence[Shot], cut: Cut) -> Group:
    members = [run[i] for i in cut.kept]
    flagged = ", marked by the camera" if members[0].metadata.bracketed else ""
    return _group(members, "exposures", f"{_steps_text(members)}{_span_text(members)}{flagged}")


def _whole_folder(
    known: Sequence[Shot], everything: Sequence[Shot], options: GroupingOptions
) -> Group | None:
    """The pictures of a folder as one bracket, if they are alone there and look like one."""
    if not 3 <= len(known) <= options.max_frames:
        return None
    folder = known[0].path.parent
    if sum(shot.path.parent == folder for shot in everything) != len(known):
        return None
    evs = sorted(_evs(known))
    steps = [high - low for low, high in pairwise(evs)]
    if not (min(steps) >= MIN_STEP_EV and max(steps) <= MAX_STEP_EV):
        return None
    if len({bool(shot.metadata.bracketed) for shot in known}) > 1:
        return None
    times = [time for shot in known if (time := _taken_at(shot)) is not None]
    if times and (max(times) - min(times)).total_seconds() > FOLDER_SPAN:
        return None
    reason = f"alone in their folder, {_steps_text(known)}{_span_text(known)}"
    return _group(known, "folder", reason, name=folder.name)


def _left_over(run: Sequence[Shot], cuts: Sequence[Cut], options: GroupingOptions) -> list[LeftOut]:
    """Why each picture of a run is in no bracket."""
    kept = {i for cut in cuts for i in cut.kept}
    reasons: list[LeftOut] = []
    for i, shot in enumerate(run):
        if i in kept:
            continue
        home = next((cut for cut in cuts if cut.start <= i < cut.stop), None)
        if home is not None:
            evs = home.evs
            twin = min(home.kept, key=lambda k: abs(evs[k - home.start] - evs[i - home.start]))
            reason = f"the same exposure as {run[twin].path.name}, which was taken for the set"
        elif len(run) == 1:
            reason = f"a single picture: no other of this camera and size within {_gap(options)}"
        else:
            reason = _why_loose(run, i, cuts, options)
        reasons.append(LeftOut(path=shot.path, reason=reason))
    return reasons


def _why_loose(run: Sequence[Shot], i: int, cuts: Sequence[Cut], options: GroupingOptions) -> str:
    start = max((cut.stop for cut in cuts if cut.stop <= i), default=0)
    stop = min((cut.start for cut in cuts if cut.start > i), default=len(run))
    if stop - start == 1:
        return "a single picture between brackets" if len(cuts) > 1 else "a single picture"
    loose = run[start:stop]
    levels = _levels(_evs(loose))
    if len(levels) == 1:
        return f"{len(loose)} pictures within {_gap(options)}, all with the same exposure"
    steps = [high - low for low, high in pairwise(levels)]
    if len(levels) == 2:
        return (
            f"only 2 different exposures within {_gap(options)}, {steps[0]:.1f} EV apart; "
            "a bracket has 3: is a frame missing?"
        )
    if min(steps) < MIN_STEP_EV:
        return (
            f"exposures only {min(steps):.1f} EV apart, as in any series; a bracket's are "
            f"{MIN_STEP_EV:g} EV or more, unless the camera marks it as bracketed"
        )
    if max(steps) > MAX_STEP_EV:
        return f"exposures {max(steps):.1f} EV apart, more than the {MAX_STEP_EV:g} EV of a bracket"
    return f"its exposure makes no bracket with those of the {len(loose) - 1} pictures beside it"


# --- words -----------------------------------------------------------------------------------


def _group(shots: Sequence[Shot], rule: Rule, reason: str, *, name: str | None = None) -> Group:
    evs = _evs(shots) if all(shot.exposure is not None for shot in shots) else []
    lowest = min(evs, default=0.0)
    return Group(
        shots=tuple(shots),
        rule=rule,
        reason=reason,
        name=name or shots[0].path.stem,
        evs=tuple(ev - lowest for ev in evs),
    )


def _evs(shots: Sequence[Shot]) -> list[float]:
    return list(exposure_values([_instant(shots, i) for i in range(len(shots))]))


def _levels(evs: Sequence[float]) -> list[float]:
    """Different exposures, ascending."""
    levels: list[float] = []
    for ev in sorted(evs):
        if not levels or ev - levels[-1] >= EQUAL_EV:
            levels.append(ev)
    return levels


def _steps_text(shots: Sequence[Shot]) -> str:
    levels = sorted(_evs(shots))
    steps = [high - low for low, high in pairwise(levels)]
    return f"{len(shots)} exposures, steps of {', '.join(f'{step:.1f}' for step in steps)} EV"


def _span_text(shots: Sequence[Shot]) -> str:
    times = [time for shot in shots if (time := _taken_at(shot)) is not None]
    if len(times) < len(shots):
        return ""
    return f", within {(max(times) - min(times)).total_seconds():.3g} s"


def _gap(options: GroupingOptions) -> str:
    return f"{options.max_gap:g} s (--max-gap)"


def _sorted(groups: list[Group], left_out: list[LeftOut]) -> Grouping:
    return Grouping(
        groups=tuple(sorted(groups, key=lambda group: natural_key(group.shots[0].path))),
        left_out=tuple(sorted(left_out, key=lambda item: natural_key(item.path))),
    )


def _pattern_expression(pattern: str) -> re.Pattern[str]:
    """A regular expression with the group `set` for a shell pattern with ``{set}``."""
    if pattern.count("{set}") != 1:
        raise UsageError(
            f"--pattern must hold {{set}} once, got {pattern!r}", hint="e.g. '{set}_[0-9].jpg'"
        )
    before, after = (_shell_to_regex(part) for part in pattern.split("{set}"))
    return re.compile(rf"(?:(?<=/)|^){before}(?P<set>[^/]+?){after}$")


def _shell_to_regex(pattern: str) -> str:
    expression = ""
    i = 0
    while i < len(pattern):
        char = pattern[i]
        close = pattern.find("]", i + 2) if char == "[" else -1
        if close > 0:
            body = pattern[i + 1 : close].replace("\\", r"\\").replace("[", r"\[")
            expression += f"[{'^' + body[1:] if body.startswith('!') else body}]"
            i = close
        else:
            expression += {"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char))
        i += 1
    return expression
