"""Where one bracket ends and the next begins, in a run of photographs taken close together.

A run is cut into consecutive segments, each a bracket or a single picture, so that the total
cost is smallest (dynamic programming over the run, as in optimal line breaking). The unit of
cost is one picture left over; everything else is doubt about a bracket, and each doubt is
worth less than a picture: an order that no camera shoots, uneven steps, a pause inside that is
longer than the one before or after, changed aperture or ISO. The sequence of steps that covers
most of the stream is taken for the camera's setting and trusted more, so that a missing frame
does not shift the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ahdr_cli.bracket.relative import EQUAL_EV

__all__ = ["Cut", "Instant", "cut_run", "exposure_values", "usual_pattern"]

LEFT_OVER = 1.0
"""Cost of a picture in no bracket: the unit."""

FLAGGED_LEFT_OVER = 1.5
"""The camera itself says that this picture belongs to a bracket."""

BRACKET = 0.5
"""Cost of one more bracket: one of seven frames is likelier than one of three and one of four."""

REPEATED = 0.4
"""An exposure shot twice in a row: cheaper than a picture left over, dearer than nothing."""

ODD_ORDER = 0.6
"""Neither monotone nor middle first: cameras shoot no such order, people do. For three frames;
the more frames, the likelier two brackets in different light."""

DESCENDING = 0.1
PLUS_FIRST = 0.05
"""Orders that cameras offer but do not preset."""

EVEN_COUNT = 0.2
"""Cameras take 3, 5, 7 or 9 frames."""

UNEVEN = 0.3
"""Steps that differ by more than rounding; twice that if by more than a factor of two."""

PAUSE_INSIDE = 0.4
CHANGED_APERTURE = 0.2
CHANGED_ISO = 0.1
USUAL = 0.3
"""Subtracted for the pattern that explains most of the stream, added for every other."""

MIN_STEP_EV = 0.6
"""Smaller steps happen by themselves in any series with automatic exposure (1/3 EV)."""

MIN_FLAGGED_STEP_EV = 0.25
"""The smallest that cameras bracket by is 1/3 EV; markings are rounded."""

MAX_STEP_EV = 6.0
"""Beyond this two frames have hardly a tone in common."""

ROUNDING = 1.4
"""Ratio of the largest to the smallest step that rounding explains: 0.4 to 0.3 EV."""

Pattern = tuple[float, ...]
"""Exposures relative to the first frame, in the order taken, to the nearest quarter EV."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """A picture, as far as segmentation needs it.

    Attributes:
        seconds: log2 of the shutter time.
        iso: log2 of the ISO, or None if unknown.
        aperture: -2 log2 of the f-number, or None if unknown.
        zoom: focal length in millimetres, or None if unknown.
        pause: seconds since the shutter closed for the picture before; 0 if unknown.
        flagged: whether the camera says it was bracketing; None if it says nothing.
    """

    seconds: float
    iso: float | None = None
    aperture: float | None = None
    zoom: float | None = None
    pause: float = 0.0
    flagged: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One bracket of a run: the pictures `start` to `stop`, the latter excluded.

    Attributes:
        evs: exposures in EV, one a picture, comparable within the cut.
        kept: indices of the pictures that make the bracket; others repeat an exposure.
    """

    start: int
    stop: int
    evs: tuple[float, ...]
    kept: tuple[int, ...]


def exposure_values(run: Sequence[Instant]) -> tuple[float, ...]:
    """EV of each picture; ISO or aperture count only if known for all of them."""
    use_iso = all(shot.iso is not None for shot in run)
    use_aperture = all(shot.aperture is not None for shot in run)
    return tuple(
        shot.seconds
        + (shot.iso or 0.0 if use_iso else 0.0)
        + (shot.aperture or 0.0 if use_aperture else 0.0)
        for shot in run
    )


def cut_run(run: Sequence[Instant], *, max_frames: int, usual: Pattern | None = None) -> list[Cut]:
    """The brackets of a run, in order; pictures in none of them are left over.

    Args:
        run: pictures in the order taken.
        max_frames: the most different exposures that a bracket may have.
        usual: pattern to be trusted more, from :func:`usual_pattern`.
    """
    best = [0.0]  # cost of the first i pictures
    choice: list[Cut | None] = [None]
    candidates: dict[int, list[tuple[float, Cut]]] = {}
    for start in range(len(run)):
        for cost, cut in _candidates(run, start, max_frames=max_frames, usual=usual):
            candidates.setdefault(cut.stop, []).append((cost, cut))
    for stop in range(1, len(run) + 1):
        over = FLAGGED_LEFT_OVER if run[stop - 1].flagged else LEFT_OVER
        cost = best[stop - 1] + over
        chosen: Cut | None = None
        for own, candidate in candidates.get(stop, ()):
            total = best[candidate.start] + own
            if total < cost - 1e-9:  # ties leave the picture over, whatever the rounding
                cost, chosen = total, candidate
        best.append(cost)
        choice.append(chosen)

    cuts: list[Cut] = []
    stop = len(run)
    while stop > 0:
        found = choice[stop]
        if found is None:
            stop -= 1
        else:
            cuts.append(found)
            stop = found.start
    return cuts[::-1]


def usual_pattern(runs: Sequence[Sequence[Instant]], *, max_frames: int) -> Pattern | None:
    """The pattern that explains most pictures of a stream best, if it occurs at least twice."""
    worth: dict[Pattern, float] = {}
    times: dict[Pattern, int] = {}
    for run in runs:
        free_from: dict[Pattern, int] = {}
        for start in range(len(run)):
            for cost, cut in _candidates(run, start, max_frames=max_frames, usual=None):
                pattern = _pattern(cut)
                if len(cut.kept) == cut.stop - cut.start and start >= free_from.get(pattern, 0):
                    free_from[pattern] = cut.stop
                    times[pattern] = times.get(pattern, 0) + 1
                    worth[pattern] = worth.get(pattern, 0.0) + LEFT_OVER * len(pattern) - cost
    best = max(worth, key=lambda pattern: worth[pattern], default=None)
    return best if best is not None and times[best] > 1 else None


def _candidates(
    run: Sequence[Instant], start: int, *, max_frames: int, usual: Pattern | None
) -> list[tuple[float, Cut]]:
    """Every possible bracket that begins at `start`, with its cost."""
    found = []
    first = run[start]
    for stop in range(start + 2, min(len(run), start + 2 * max_frames) + 1):
        newest = run[stop - 1]
        if bool(newest.flagged) != bool(first.flagged) or _zoomed(first, newest):
            break
        cut = _bracket(run, start, stop)
        if cut is None or len(cut.kept) > max_frames:
            break
        if len(cut.kept) >= 3 and _plausible(cut, flagged=bool(first.flagged)):
            found.append((_cost(run, cut, usual), cut))
    return found


def _zoomed(one: Instant, other: Instant) -> bool:
    if one.zoom is None or other.zoom is None:
        return False
    return abs(math.log(other.zoom / one.zoom)) > 0.02


def _bracket(run: Sequence[Instant], start: int, stop: int) -> Cut | None:
    """The pictures as one bracket; None if an exposure comes back after another one."""
    evs = exposure_values(run[start:stop])
    groups: list[list[int]] = []
    for i, ev in enumerate(evs):
        if groups and abs(ev - evs[groups[-1][0]]) < EQUAL_EV:
            groups[-1].append(i)
        elif any(abs(ev - evs[group[0]]) < EQUAL_EV for group in groups):
            return None
        else:
            groups.append([i])
    # Of repeated shots the one next to the others: what moves has moved least.
    last = len(groups) - 1
    kept = [group[-1] if n == 0 and last > 0 else group[0] for n, group in enumerate(groups)]
    return Cut(start=start, stop=stop, evs=evs, kept=tuple(start + i for i in kept))


def _kept_evs(cut: Cut) -> list[float]:
    return [cut.evs[i - cut.start] for i in cut.kept]


def _steps(cut: Cut) -> list[float]:
    ordered = sorted(_kept_evs(cut))
    return [high - low for low, high in pairwise(ordered)]


def _plausible(cut: Cut, *, flagged: bool) -> bool:
    steps = _steps(cut)
    return min(steps) >= (MIN_FLAGGED_STEP_EV if flagged else MIN_STEP_EV) and (
        max(steps) <= MAX_STEP_EV
    )


def _pattern(cut: Cut) -> Pattern:
    evs = _kept_evs(cut)
    return tuple(round(4 * (ev - evs[0])) / 4 for ev in evs)


def _cost(run: Sequence[Instant], cut: Cut, usual: Pattern | None) -> float:
    cost = BRACKET + REPEATED * (cut.stop - cut.start - len(cut.kept))
    cost += _order_cost(_kept_evs(cut))
    steps = _steps(cut)
    if max(steps) > ROUNDING * min(steps):
        cost += UNEVEN if max(steps) <= 2.2 * min(steps) else 2 * UNEVEN
    inside = run[cut.start : cut.stop]
    if _spread([shot.aperture for shot in inside]) > EQUAL_EV:
        cost += CHANGED_APERTURE
    if _spread([shot.iso for shot in inside]) > EQUAL_EV:
        cost += CHANGED_ISO
    # Capture times without fractions are off by up to a second either way.
    longest = max(shot.pause for shot in inside[1:])
    around = [run[cut.start].pause] if cut.start > 0 else []
    if cut.stop < len(run):
        around.append(run[cut.stop].pause)
    if around and longest > min(around) + 1.0:
        cost += PAUSE_INSIDE
    if usual is not None:
        cost += -USUAL if _pattern(cut) == usual else USUAL
    return cost


def _order_cost(evs: Sequence[float]) -> float:
    """Cameras shoot - 0 +, + 0 -, 0 - + and 0 + -, with more frames 0 - + -- ++ or 0 -- - + ++."""
    odd_count = len(evs) % 2 == 1
    rising = [high > low for low, high in pairwise(evs)]
    if all(rising) or not any(rising):
        return (0.0 if rising[0] else DESCENDING) + (0.0 if odd_count else EVEN_COUNT)
    if odd_count and evs[0] == sorted(evs)[len(evs) // 2]:
        rest = list(evs[1:])
        below = [ev for ev in rest if ev < evs[0]]
        above = [ev for ev in rest if ev > evs[0]]
        outwards = below == sorted(below, reverse=True) and above == sorted(above)
        if outwards or rest == sorted(rest):
            return 0.0 if rest[0] < evs[0] else PLUS_FIRST
    return ODD_ORDER * (len(evs) - 1) / 2 + (0.0 if odd_count else EVEN_COUNT)


def _spread(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return max(known) - min(known) if len(known) == len(values) else 0.0
