"""`Preparation`: what happens to a bracket's frames before the network sees them."""

from __future__ import annotations

from dataclasses import dataclass

from ahdr_cli.bracket.align import Alignment, align_if_moved
from ahdr_cli.bracket.bracket import Bracket
from ahdr_cli.bracket.matching import ToneMatch, linearise, match_if_apart
from ahdr_cli.images import PixelSource

__all__ = ["RESPONSES", "Preparation", "prepare"]

RESPONSES = ("auto", "gamma", "linear")
"""What is done about the camera's curve: outer frames are matched to the reference where they
disagree; nothing; all frames tell light itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preparation:
    """Outer frames moved onto the reference, and all of one curve.

    Attributes:
        taken: the bracket as it was photographed.
        alignment: None if nobody looked.
        match: None if the frames' values are left as they are.
        concern: what was asked for and could not be done, for the user; None otherwise.
    """

    taken: Bracket
    alignment: Alignment | None
    match: ToneMatch | None
    concern: str | None = None

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


def prepare(bracket: Bracket, *, align: bool, response: str) -> Preparation:
    """Find out what the frames need.

    Args:
        bracket: as photographed.
        align: look for camera motion.
        response: one of `RESPONSES`.

    Raises:
        MissingDependencyError: alignment without OpenCV.
    """
    match = concern = None
    if response == "auto":
        match = match_if_apart(bracket)
    elif response == "linear":
        match = linearise(bracket)
        if match is None:
            concern = "the frames do not tell the camera's curve: γ 2.2 is assumed"
    return Preparation(
        taken=bracket,
        alignment=align_if_moved(bracket) if align else None,
        match=match,
        concern=concern,
    )
