"""Why photographs are in a bracket or in none, for people."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ahdr_cli.bracket.segmentation import MAX_STEP_EV, MIN_STEP_EV, Cut
from ahdr_cli.bracket.shots import LeftOut, Shot, levels, stops, taken_at

__all__ = ["left_over", "span_text", "steps_text"]


def steps_text(shots: Sequence[Shot]) -> str:
    """The number of exposures and the steps between them, as text."""
    ordered = sorted(stops(shots))
    steps = [high - low for low, high in pairwise(ordered)]
    return f"{len(shots)} exposures, steps of {', '.join(f'{step:.1f}' for step in steps)} EV"


def span_text(shots: Sequence[Shot]) -> str:
    """The time within which they were taken, as text; "" if it is unknown."""
    times = [time for shot in shots if (time := taken_at(shot)) is not None]
    if len(times) < len(shots):
        return ""
    return f", within {(max(times) - min(times)).total_seconds():.3g} s"


def left_over(run: Sequence[Shot], cuts: Sequence[Cut], *, max_gap: float) -> list[LeftOut]:
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
            reason = f"a single picture: no other of this camera and size within {_gap(max_gap)}"
        else:
            reason = _why_loose(run, i, cuts, max_gap=max_gap)
        reasons.append(LeftOut(path=shot.path, reason=reason))
    return reasons


def _why_loose(run: Sequence[Shot], i: int, cuts: Sequence[Cut], *, max_gap: float) -> str:
    start = max((cut.stop for cut in cuts if cut.stop <= i), default=0)
    stop = min((cut.start for cut in cuts if cut.start > i), default=len(run))
    if stop - start == 1:
        return "a single picture between brackets" if len(cuts) > 1 else "a single picture"
    loose = run[start:stop]
    distinct = levels(stops(loose))
    if len(distinct) == 1:
        return f"{len(loose)} pictures within {_gap(max_gap)}, all with the same exposure"
    steps = [high - low for low, high in pairwise(distinct)]
    if len(distinct) == 2:
        return (
            f"only 2 different exposures within {_gap(max_gap)}, {steps[0]:.1f} EV apart; "
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


def _gap(max_gap: float) -> str:
    return f"{max_gap:g} s (--max-gap)"
