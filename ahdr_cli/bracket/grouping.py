"""Which photographs of a folder belong together: files -> brackets, with a reason for each.

Photographs are sorted into streams (one folder, one camera, one size, the same kind of file),
each stream into runs (no pause longer than `max_gap`), and each run is cut into brackets by its
exposures (:mod:`ahdr_cli.bracket.segmentation`). Nothing is dropped silently: what is in no
bracket is in `Grouping.left_out` with the reason.

What a photograph is before it is decoded, and in which order photographs were taken, is in
:mod:`ahdr_cli.bracket.shots`; how reasons are put is in :mod:`ahdr_cli.bracket.reasons`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from ahdr_cli.bracket.name_pattern import pattern_expression
from ahdr_cli.bracket.reasons import left_over, span_text, steps_text
from ahdr_cli.bracket.segmentation import (
    MAX_STEP_EV,
    MIN_STEP_EV,
    Cut,
    cut_run,
    usual_pattern,
)
from ahdr_cli.bracket.shots import (
    LeftOut,
    Shot,
    all_left_out,
    has_fraction,
    instant,
    pause_between,
    stops,
    streams,
    taken_at,
    without_twins,
)
from ahdr_cli.errors import UsageError
from ahdr_cli.natural_order import natural_key

__all__ = [
    "Group",
    "Grouping",
    "GroupingOptions",
    "LeftOut",
    "Shot",
    "group_by_count",
    "group_by_pattern",
    "group_shots",
]

Rule = Literal["exposures", "folder", "count", "pattern", "exposure-file", "manifest"]

FOLDER_SPAN = 1800.0
"""Seconds that the pictures of a folder of its own may lie apart: a bracket set by hand."""

_LONG = 1.0
"""Shutter time in seconds from which cameras take a dark frame of the same length afterwards."""


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
class Grouping:
    """All files, sorted: each is in exactly one group or left out."""

    groups: tuple[Group, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @classmethod
    def sorted_by_path(cls, groups: Iterable[Group], left_out: Iterable[LeftOut]) -> Grouping:
        """Groups by their first file, and files left out, in natural order."""
        return cls(
            groups=tuple(sorted(groups, key=lambda group: natural_key(group.shots[0].path))),
            left_out=tuple(sorted(left_out, key=lambda item: natural_key(item.path))),
        )


def group_shots(shots: Iterable[Shot], *, options: GroupingOptions = GroupingOptions()) -> Grouping:
    """Find the brackets among photographs by capture time, camera, size and exposure steps.

    A folder in which no bracket is found this way, and whose pictures all differ in exposure as
    those of one bracket do, is taken for one bracket whose exposures were set by hand.

    Args:
        shots: in any order; the result does not depend on it.
        options: limits.
    """
    kept, left_out = without_twins(list(shots))
    groups: list[Group] = []
    for stream in streams(kept):
        known = [shot for shot in stream if shot.exposure is not None]
        left_out += all_left_out(
            (shot for shot in stream if shot.exposure is None),
            "no exposure in this file; list it in a manifest, or pass --exposures or --ev together "
            "with --group",
        )
        found, rest = _brackets_of(known, options)
        if not found and (whole := _whole_folder(known, kept, options)) is not None:
            found, rest = [whole], []
        groups += found
        left_out += rest
    return Grouping.sorted_by_path(groups, left_out)


def group_by_count(shots: Iterable[Shot], count: int) -> Grouping:
    """Every `count` photographs of a stream in the order taken, whatever their exposures.

    Raises:
        UsageError: `count` is below three.
    """
    if count < 3:
        raise UsageError(f"--group must be 3 or more, got {count}")
    kept, left_out = without_twins(list(shots))
    groups = []
    for stream in streams(kept):
        whole = len(stream) - len(stream) % count
        for start in range(0, whole, count):
            members = stream[start : start + count]
            groups.append(_group(members, "count", f"{count} files in a row"))
        left_out += all_left_out(
            stream[whole:],
            f"{len(stream)} files in {stream[0].path.parent} of this camera and size do not divide "
            f"into groups of {count}",
        )
    return Grouping.sorted_by_path(groups, left_out)


def group_by_pattern(shots: Iterable[Shot], pattern: str) -> Grouping:
    """Files whose names agree in the part that ``{set}`` stands for.

    Args:
        shots: in any order.
        pattern: of the file name, or of the end of the path if it holds a slash; ``*``, ``?``
            and ``[0-9]`` as in a shell, and ``{set}`` once, e.g. ``{set}_[0-9].jpg``.

    Raises:
        UsageError: the pattern does not hold ``{set}`` exactly once, or cannot be understood.
    """
    expression = pattern_expression(pattern)
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
            left_out += all_left_out(
                found, f"only {len(found)} of the 3 or more files of set {name!r} are there"
            )
        else:
            ordered = sorted(found, key=lambda shot: natural_key(shot.path))
            reason = f"{len(found)} files of set {name!r}"
            groups.append(_group(ordered, "pattern", reason, name=Path(name).name))
    return Grouping.sorted_by_path(groups, left_out)


def _brackets_of(
    stream: Sequence[Shot], options: GroupingOptions
) -> tuple[list[Group], list[LeftOut]]:
    runs = _runs(stream, options)
    instants = [[instant(run, i) for i in range(len(run))] for run in runs]
    usual = usual_pattern(instants, max_frames=options.max_frames)
    groups: list[Group] = []
    left_out: list[LeftOut] = []
    for run, moments in zip(runs, instants, strict=True):
        cuts = cut_run(moments, max_frames=options.max_frames, usual=usual)
        groups += [_group_of_cut(run, cut) for cut in cuts]
        left_out += left_over(run, cuts, max_gap=options.max_gap)
    return groups, left_out


def _runs(stream: Sequence[Shot], options: GroupingOptions) -> list[list[Shot]]:
    runs: list[list[Shot]] = []
    for shot in stream:
        if runs and pause_between(runs[-1][-1], shot) <= _allowed(runs[-1][-1], shot, options):
            runs[-1].append(shot)
        else:
            runs.append([shot])
    return runs


def _allowed(earlier: Shot, later: Shot, options: GroupingOptions) -> float:
    """Longest pause between these two: rounded times and a dark frame are allowed for."""
    allowed = options.max_gap
    if not (has_fraction(earlier) and has_fraction(later)):
        allowed += 1.0
    if earlier.exposure is not None and earlier.exposure.seconds >= _LONG:
        allowed += earlier.exposure.seconds
    return allowed


def _group_of_cut(run: Sequence[Shot], cut: Cut) -> Group:
    members = [run[i] for i in cut.kept]
    flagged = ", marked by the camera" if members[0].metadata.bracketed else ""
    return _group(members, "exposures", f"{steps_text(members)}{span_text(members)}{flagged}")


def _whole_folder(
    known: Sequence[Shot], everything: Sequence[Shot], options: GroupingOptions
) -> Group | None:
    """The pictures of a folder as one bracket, if they are alone there and look like one."""
    if not 3 <= len(known) <= options.max_frames:
        return None
    folder = known[0].path.parent
    if sum(shot.path.parent == folder for shot in everything) != len(known):
        return None
    evs = sorted(stops(known))
    steps = [high - low for low, high in pairwise(evs)]
    if not (min(steps) >= MIN_STEP_EV and max(steps) <= MAX_STEP_EV):
        return None
    if len({bool(shot.metadata.bracketed) for shot in known}) > 1:
        return None
    times = [time for shot in known if (time := taken_at(shot)) is not None]
    if times and (max(times) - min(times)).total_seconds() > FOLDER_SPAN:
        return None
    reason = f"alone in their folder, {steps_text(known)}{span_text(known)}"
    return _group(known, "folder", reason, name=folder.name)


def _group(shots: Sequence[Shot], rule: Rule, reason: str, *, name: str | None = None) -> Group:
    evs = stops(shots) if all(shot.exposure is not None for shot in shots) else []
    lowest = min(evs, default=0.0)
    return Group(
        shots=tuple(shots),
        rule=rule,
        reason=reason,
        name=name or shots[0].path.stem,
        evs=tuple(ev - lowest for ev in evs),
    )
