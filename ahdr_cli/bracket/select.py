"""Three frames out of more.

The reference decides the geometry and white of the result, so it comes first: a frame that
has a neighbour on either side at a spacing the network knows, that shows most of the scene
and that lies near the middle of the bracket. Then the outer frames: as far from it as the
network knows, because that covers most highlights and shadows.

Frames shorter than the three are not lost (:mod:`ahdr_cli.bracket.shorter`), and yet the short
frame is not chosen any nearer for that: the network tells what moved from what is bright, which a
shorter frame does only where all longer ones are white.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ahdr_cli.bracket.relative import EQUAL_EV, exposures_of, relative_exposures
from ahdr_cli.bracket.spacing import TRAINED_SPACING_EV, outside_range
from ahdr_cli.errors import EqualExposuresError, FrameCountError, counted
from ahdr_cli.images import FloatArray, Frame

__all__ = ["badly_exposed", "select_three"]

_WHITE = 0.98
"""A channel from here on counts as clipped: 250 of 255, where JPEG ringing still dips to."""

_BLACK = 0.04
"""No channel above this counts as crushed: 10 of 255, at which 8-bit steps exceed 20 %."""

_OFF_CENTRE_COST = 0.15
"""A reference 1 EV off the middle of the bracket must show 15 % more of the picture.

The middle is what the photographer metered for, and it leaves room for an outer frame on
either side; a dark scene is not to be brightened for a gain in shadows alone.
"""

_AS_STRANGE = 0.25
"""Choices that lie outside the trained range by nearly the same, up to so many EV, count as alike.

Shutter times are rounded, so that equal steps differ by up to 0.2 EV as they are recorded; steps
that were meant to differ do so by a third of a stop.
"""

_SAMPLES = 2**16
"""Pixels looked at per frame, about; a fraction of them is known to better than 0.5 %."""


def select_three(frames: Sequence[Frame]) -> tuple[Frame, Frame, Frame]:
    """The best three frames of a bracket, short → long.

    Depends on exposures and pixels alone, not on the order of the frames, except that of
    frames with equal exposure the first one given stands for all.

    Args:
        frames: three or more of one scene, in any order.

    Raises:
        FrameCountError: fewer than three.
        MissingExposureError: a frame has no exposure.
        EqualExposuresError: fewer than three different exposures.
    """
    if len(frames) < 3:
        raise FrameCountError(f"{counted(len(frames), 'frame')} given, expected at least 3")
    candidates = _distinct(frames)
    if len(candidates) < 3:
        raise EqualExposuresError(
            f"{counted(len(candidates), 'different exposure')} "
            f"among {len(frames)} frames, expected at least 3",
            path=frames[0].name,
            hint="take frames that differ, or correct them with --exposures or --ev",
        )
    evs = [ev for ev, _ in candidates]
    middle = (evs[0] + evs[-1]) / 2

    choices = []
    for reference in range(1, len(candidates) - 1):
        ev, frame = candidates[reference]
        short = _outer(evs, range(reference), around=ev)
        long = _outer(evs, range(reference + 1, len(evs)), around=ev)
        strangeness = _strangeness(ev - evs[short]) + _strangeness(evs[long] - ev)
        # With three candidates nothing is to be chosen, so nothing is measured.
        lost = badly_exposed(frame) if len(candidates) > 3 else 0.0
        cost = lost + _OFF_CENTRE_COST * abs(ev - middle)
        choices.append((strangeness, cost, (short, reference, long)))
    most = min(choices)[0] + _AS_STRANGE
    _, short, reference, long = min(
        (cost, *frames) for strangeness, cost, frames in choices if strangeness <= most
    )
    return candidates[short][1], candidates[reference][1], candidates[long][1]


def badly_exposed(frame: Frame) -> float:
    """Share of a frame's pixels that are clipped or crushed; [0, 1]."""
    brightest = _brightest(frame)
    return float(((brightest >= _WHITE) | (brightest <= _BLACK)).mean())


def _brightest(frame: Frame) -> FloatArray:
    """The brightest channel of pixels on a grid."""
    height, width = frame.size
    stride = max(1, math.isqrt(height * width // _SAMPLES))
    brightest: FloatArray = frame.pixels[::stride, ::stride].max(axis=2)
    return brightest


def _distinct(frames: Sequence[Frame]) -> list[tuple[float, Frame]]:
    """(EV above the shortest, frame), ascending, without frames of equal exposure."""
    evs = [math.log2(ratio) for ratio in relative_exposures(exposures_of(frames))]
    kept: list[tuple[float, Frame]] = []
    for i in sorted(range(len(frames)), key=evs.__getitem__):
        if not kept or evs[i] - kept[-1][0] >= EQUAL_EV:
            kept.append((evs[i], frames[i]))
    return kept


def _strangeness(step: float) -> float:
    """How far a step lies outside the spacing that training covers by default, in EV.

    The model's own range cannot be asked for: the frames are chosen before the model is.
    """
    return outside_range(step, TRAINED_SPACING_EV)


def _outer(evs: Sequence[float], side: range, *, around: float) -> int:
    """The farthest frame of one side within the trained spacing, else the nearest to it."""

    def preference(i: int) -> tuple[float, float]:
        step = abs(evs[i] - around)
        return _strangeness(step), -step

    return min(side, key=preference)
