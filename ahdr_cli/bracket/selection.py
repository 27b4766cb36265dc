"""`Selection`: the frames of a scene, by what they are used for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ahdr_cli.bracket.bracket import Bracket, check_sizes
from ahdr_cli.bracket.relative import EQUAL_EV, exposures_of, relative_exposures
from ahdr_cli.bracket.select import select_three
from ahdr_cli.images import Frame

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """Three or more frames of one scene. Made by :meth:`of`.

    Attributes:
        bracket: the three that are merged.
        shorter: those shorter than these, longest first, which raise the highlights where they
            are needed.
        unused: names of all others, in the order given; their pixels can be let go.
    """

    bracket: Bracket
    shorter: tuple[Frame, ...] = ()
    unused: tuple[str, ...] = ()

    @classmethod
    def of(cls, frames: Sequence[Frame], *, extend: bool = True) -> Selection:
        """Choose the three that serve best, and say what becomes of the rest.

        Args:
            frames: of one scene, in any order; of equal exposures the first one stands for all.
            extend: use frames shorter than the three.

        Raises:
            FrameCountError, ExposureError, SizeMismatchError: as
                :func:`ahdr_cli.bracket.select.select_three` and :meth:`Bracket.from_frames` say.
        """
        if len(frames) <= 3:
            return cls(bracket=Bracket.from_frames(frames))
        check_sizes(frames)  # one that is left out is a mistake, too
        bracket = Bracket.from_frames(select_three(frames))
        ratios = relative_exposures(exposures_of(frames))
        order = sorted(range(len(frames)), key=ratios.__getitem__, reverse=True)
        least = next(ratios[i] for i in order if frames[i] is bracket.frames[0])
        shorter: list[Frame] = []
        for i in order if extend else ():
            if ratios[i] * 2**EQUAL_EV <= least:
                shorter.append(frames[i])
                least = ratios[i]
        # ISO or aperture that only a frame that is left out does not say counts again.
        least, *known = relative_exposures(exposures_of([bracket.frames[0], *shorter]))
        shorter = [frame for frame, ratio in zip(shorter, known, strict=True) if ratio < least]
        used = {id(frame) for frame in (*bracket.frames, *shorter)}
        unused = tuple(frame.name for frame in frames if id(frame) not in used)
        return cls(bracket=bracket, shorter=tuple(shorter), unused=unused)
