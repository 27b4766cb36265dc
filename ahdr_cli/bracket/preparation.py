"""`Preparation`: what happens to a bracket's outer frames before the network sees them."""

from __future__ import annotations

from dataclasses import dataclass

from ahdr_cli.bracket.align import Alignment, align_if_moved
from ahdr_cli.bracket.bracket import Bracket
from ahdr_cli.bracket.matching import ToneMatch, match_if_apart
from ahdr_cli.images import PixelSource

__all__ = ["Preparation", "prepare"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preparation:
    """Outer frames moved onto the reference, and matched to it.

    Attributes:
        taken: the bracket as it was photographed.
        alignment: None if nobody looked.
        match: None if nobody looked, or if the frames agree.
    """

    taken: Bracket
    alignment: Alignment | None
    match: ToneMatch | None

    @property
    def displacements(self) -> tuple[float, ...]:
        """As :attr:`Alignment.displacements`; empty if nobody looked."""
        return () if self.alignment is None else self.alignment.displacements

    @property
    def matched_ev(self) -> float | None:
        """By how many stops (median) the frames differed before they were matched, or None."""
        return None if self.match is None else self.match.estimate.assumed_ev

    @property
    def pixels(self) -> list[PixelSource]:
        """Those of the prepared frames, computed box by box as they are asked for."""
        if self.alignment is None:
            sources: list[PixelSource] = [frame.pixels for frame in self.taken.frames]
        else:
            sources = [*self.alignment.pixels]
        return sources if self.match is None else self.match.pixels(sources)

    @property
    def bracket(self) -> Bracket:
        """The prepared bracket, computed anew; frames that were left alone are the same objects."""
        bracket = self.taken if self.alignment is None else self.alignment.bracket
        return bracket if self.match is None else self.match.bracket(bracket)


def prepare(bracket: Bracket, *, align: bool, match: bool) -> Preparation:
    """Find out what the outer frames need.

    Args:
        bracket: as photographed.
        align: look for camera motion.
        match: look for a camera's own response curve.

    Raises:
        MissingDependencyError: alignment without OpenCV.
    """
    return Preparation(
        taken=bracket,
        alignment=align_if_moved(bracket) if align else None,
        match=match_if_apart(bracket) if match else None,
    )
