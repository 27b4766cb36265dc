"""`Preparation`: what happens to a bracket's frames before the network sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ahdr_cli.bracket.align import Alignment, align_if_moved
from ahdr_cli.bracket.blocks import compare_blocks
from ahdr_cli.bracket.bracket import Bracket
from ahdr_cli.bracket.matching import ToneMatch, linearise, match_if_apart, straighten
from ahdr_cli.bracket.noise import estimate_noise, noise_between
from ahdr_cli.bracket.shorter import Highlights, prepare_shorter
from ahdr_cli.images import FloatArray, Frame, PixelSource
from ahdr_cli.radiometry.noise import LEVELS_TO_NOISE

__all__ = ["RESPONSES", "Preparation", "prepare"]

RESPONSES = ("auto", "gamma", "linear")
"""What is done about the camera's curve. ``auto``: outer frames that disagree with the reference
are matched to it, else a small deviation from γ 2.2 is undone in all frames. ``gamma``: nothing,
γ 2.2 is taken for granted. ``linear``: the curve is undone in all frames."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preparation:
    """Outer frames moved onto the reference, and all of one curve.

    Attributes:
        taken: the bracket as it was photographed.
        alignment: None if it was not asked for.
        match: None if the frames' values are left as they are.
        noise: see :func:`ahdr_cli.bracket.noise.estimate_noise`. It is estimated before a small
            deviation of the curve is undone, which would change it by a few percent.
        highlights: what raises the merge where it is white; None if no further frame was given.
        concerns: what was asked for and could not be done, one line each for the user.
    """

    taken: Bracket
    alignment: Alignment | None
    match: ToneMatch | None
    noise: float
    highlights: Highlights | None = None
    concerns: tuple[str, ...] = ()

    @property
    def displacements(self) -> tuple[float, ...]:
        """As :attr:`Alignment.displacements`; empty without alignment."""
        return () if self.alignment is None else self.alignment.displacements

    @property
    def matched_ev(self) -> float | None:
        """By how many stops (median) the frames differed with γ 2.2; None if nothing was done."""
        return None if self.match is None else self.match.estimate.assumed_ev

    @property
    def noise_levels(self) -> float:
        """The noise as a deviation of encoded values, in levels of 8 bits."""
        return float(np.sqrt(self.noise / LEVELS_TO_NOISE))

    @property
    def conditions(self) -> FloatArray:
        """What the network is told besides pixels.

        (4,) float32: three exposures relative to the shortest, and the noise.
        """
        return np.array([*self.taken.ratios, self.noise], np.float32)

    @property
    def pixels(self) -> list[PixelSource]:
        """The pixels of the prepared frames, computed box by box as they are asked for."""
        return _pixels(self.taken, self.alignment, self.match)

    @property
    def bracket(self) -> Bracket:
        """The prepared bracket, computed anew; frames that were left alone are the same objects."""
        bracket = self.taken if self.alignment is None else self.alignment.bracket
        return bracket if self.match is None else self.match.bracket(bracket)


def prepare(
    bracket: Bracket, *, align: bool, response: str, shorter: Sequence[Frame] = ()
) -> Preparation:
    """Find out how the frames must be aligned and matched, and how noisy they are.

    Args:
        bracket: as photographed.
        align: look for camera motion.
        response: one of `RESPONSES`.
        shorter: frames of the scene that are shorter than the bracket's, in any order.

    Raises:
        MissingDependencyError: alignment without OpenCV.
        SizeMismatchError, ExposureError: a shorter frame does not go with the bracket.
    """
    match, concerns = None, []
    if response == "auto":
        match = match_if_apart(bracket)
    elif response == "linear":
        match = linearise(bracket)
        if match is None:
            concerns.append("the frames do not tell the camera's curve: γ 2.2 is assumed")
    alignment = align_if_moved(bracket) if align else None
    blocks = compare_blocks(_pixels(bracket, alignment, match), bracket.ratios)
    if response == "auto" and match is None:
        match = straighten(bracket, blocks.pairs, noise=noise_between(blocks.pairs))
    highlights = None
    if shorter:
        highlights = prepare_shorter(bracket, shorter, alignment=alignment, match=match)
        concerns += highlights.concerns
    return Preparation(
        taken=bracket,
        alignment=alignment,
        match=match,
        noise=estimate_noise(blocks),
        highlights=highlights,
        concerns=tuple(concerns),
    )


def _pixels(
    taken: Bracket, alignment: Alignment | None, match: ToneMatch | None
) -> list[PixelSource]:
    """The frames after alignment and matching, as far as there are any."""
    if alignment is None:
        sources: list[PixelSource] = [frame.pixels for frame in taken.frames]
    else:
        sources = [*alignment.pixels]
    return sources if match is None else match.pixels(sources)
