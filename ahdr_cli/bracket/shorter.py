"""Frames shorter than a bracket's shortest, made ready to raise the highlights of its merge.

They are a chain, short to ever shorter. Each is aligned with the one before it, with which it has
more in common than with the reference, and through it onto the reference; each is matched by the
curve that the bracket told, and multiplied so that it agrees with the one before it. A frame that
does not agree is left out. The chain ends where nothing is white, since nothing is lost there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ahdr_cli.bracket.align import FARTHEST, Alignment, estimate_motion
from ahdr_cli.bracket.bracket import Bracket
from ahdr_cli.bracket.highlights import raise_highlights
from ahdr_cli.bracket.lit_frame import LitFrame
from ahdr_cli.bracket.matching import MatchedPixels, ToneMatch
from ahdr_cli.bracket.motion import MovedPixels, RigidMotion
from ahdr_cli.bracket.overlap import contradicted_share, measured_gain, white_share
from ahdr_cli.bracket.relative import exposures_of, relative_exposures
from ahdr_cli.errors import ExposureError, SizeMismatchError
from ahdr_cli.images import FloatArray, Frame, PixelSource

__all__ = ["Highlights", "ShorterFrame", "prepare_shorter"]

STILL_PX = 0.2
"""Corner displacement below which a frame counts as still. Lamps are small: a part of a pixel
matters to them more than the sharpness that resampling costs, of which highlights have enough."""

MOST_GAIN_EV = 1.0
"""Largest difference between an exposure as recorded and as measured that is put right. Shutters
and apertures are off by a third of a stop at most; a frame that is off by more than a stop is of
another scene, or its exposure was given wrongly."""

MOST_CONTRADICTED = 0.6
"""Share of what is white in one frame that may lack light in the next: more is no thing that moved,
but the frame as a whole, or all lights, and half a lamp is worse than one without its light."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShorterFrame:
    """One of the chain.

    Attributes:
        taken: as it was photographed.
        ratio: its exposure relative to the shortest frame of the bracket, < 1.
        displacement: how far its farthest corner was moved onto the reference, in pixels.
        gain: by which its radiance is multiplied, see :func:`measured_gain`; None if none could
            be measured, and that of the frame before it counts.
        lit: ready to be asked.
        share: of the picture that is near white in the frame before it, [0, 1].
    """

    taken: Frame
    ratio: float
    displacement: float
    gain: float | None
    lit: LitFrame
    share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Highlights:
    """What raises the highlights of a merge.

    Attributes:
        short: the bracket's shortest frame, whose white the merge ends at.
        frames: the chain, each shorter than the one before it; may be empty.
        spare: names of frames that are not asked.
        concerns: why a frame could not be used, one line each for the user.
    """

    short: LitFrame
    frames: tuple[ShorterFrame, ...]
    spare: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()

    def raise_in(self, radiance: FloatArray) -> None:
        """Raise a merge (H, W, 3) of the bracket, in place, by one frame after the other.

        What moved before a light in one of them, the next may show.
        """
        chain = [self.short, *(frame.lit for frame in self.frames)]
        for last in range(1, len(chain)):
            for first in reversed(range(last)):
                between = chain[first + 1 : last]
                raise_highlights(radiance, chain[first], chain[last], between=between)


def prepare_shorter(
    bracket: Bracket,
    frames: Sequence[Frame],
    *,
    alignment: Alignment | None,
    match: ToneMatch | None,
) -> Highlights:
    """Align and match the frames that have something to add, and leave out those not to believe.

    Args:
        bracket: as photographed.
        frames: of the same scene and size, in any order, shorter than the bracket's.
        alignment: of the bracket; None leaves all frames where they are.
        match: of the bracket; None takes γ 2.2 for granted.

    Raises:
        SizeMismatchError: a frame has another size.
        ExposureError: a frame has no exposure, or is not shorter.
        MissingDependencyError: alignment without OpenCV.
    """
    chain = _chain(bracket, frames)
    white = float(bracket.ratios[1])
    last, last_ratio = bracket.frames[0], 1.0
    motion = RigidMotion() if alignment is None else alignment.motions[0]
    table = None if match is None else match.tables[0]
    short = before = LitFrame(source=_moved(last, motion), table=table, white=white)
    ready: list[ShorterFrame] = []
    concerns, agreed = [], 1.0
    for frame, ratio in chain:
        share = white_share(before)
        if share == 0.0:
            break
        table = None if match is None else match.table_of(bracket, ratio=ratio)
        moved = motion
        if alignment is not None:
            pair = _matched(last, before.table), _matched(frame, table)
            moved = _motion(*pair, gain=ratio / last_ratio).after(motion)
        lit = LitFrame(source=_moved(frame, moved), table=table, white=white / ratio)
        gain = measured_gain(before, lit)
        # What cannot be measured is likely to be off as the frame before it was: by its own error.
        lit = replace(lit, white=lit.white * (agreed if gain is None else gain))
        doubt = _doubt(gain, contradicted_share(before, lit))
        if doubt is not None:
            concerns.append(f"{frame.name} {doubt} {last.name}: it was not used for highlights")
            continue
        ready.append(
            ShorterFrame(
                taken=frame,
                ratio=ratio,
                displacement=moved.displacement(bracket.size),
                gain=gain,
                lit=lit,
                share=share,
            )
        )
        last, last_ratio, before, motion = frame, ratio, lit, moved
        agreed = agreed if gain is None else gain
    used = [further.taken for further in ready]
    return Highlights(
        short=short,
        frames=tuple(ready),
        spare=tuple(frame.name for frame, _ in chain if frame not in used),
        concerns=tuple(concerns),
    )


def _doubt(gain: float | None, contradicted: float) -> str | None:
    """Why a frame is not believed, in words between its name and that of the frame before it."""
    if gain is not None and abs(math.log2(gain)) > MOST_GAIN_EV:
        which = "less" if gain > 1.0 else "more"
        return f"shows {abs(math.log2(gain)):.1f} EV {which} light than its exposure says, unlike"
    if contradicted > MOST_CONTRADICTED:
        return f"is dark in {contradicted:.0%} of what is white in"
    return None


def _chain(bracket: Bracket, frames: Sequence[Frame]) -> list[tuple[Frame, float]]:
    """Frames and their exposures relative to the bracket's shortest, longest first."""
    ratios = relative_exposures(exposures_of([bracket.frames[0], *frames]))
    chain = []
    for frame, ratio in zip(frames, ratios[1:], strict=True):
        if frame.size != bracket.size:
            raise SizeMismatchError(
                f"{frame.size[1]}x{frame.size[0]} pixels, but {bracket.reference.name} has "
                f"{bracket.size[1]}x{bracket.size[0]}",
                path=frame.name,
                hint="all frames must have the same width and height",
            )
        if not ratio < ratios[0]:
            raise ExposureError(
                f"not shorter than {bracket.frames[0].name}",
                path=frame.name,
                hint="highlights are raised by frames shorter than those merged",
            )
        chain.append((frame, ratio / ratios[0]))
    return sorted(chain, key=lambda item: -item[1])


def _moved(frame: Frame, motion: RigidMotion) -> FloatArray | MovedPixels:
    return frame.pixels if motion.is_identity else MovedPixels(frame.pixels, motion)


def _matched(frame: Frame, table: FloatArray | None) -> PixelSource:
    """What cameras put near black is brighter after matching, which shows more to align by."""
    return frame.pixels if table is None else MatchedPixels(frame.pixels, table)


def _motion(fixed: PixelSource, moving: PixelSource, *, gain: float) -> RigidMotion:
    """The camera's motion between two frames, the identity if there is none to be believed."""
    motion = estimate_motion(fixed, moving, gain=gain)
    size = fixed.shape[:2]
    moved = motion.displacement(size)
    return motion if STILL_PX <= moved <= FARTHEST * max(size) else RigidMotion()
