"""`ToneMatch`: tables that turn frames into what a camera with the assumed curve had recorded.

The network takes γ 2.2 for granted. Frames of a camera with another curve are changed before, in
one of two ways:

* `match_if_apart` keeps the reference, and with it the look of the result. The outer frames are
  changed so that, decoded with γ 2.2, they give the same radiance as the reference wherever it is
  not clipped; above its white they are proportional to light. This needs only the curve's
  brightness transfer between two exposures (Grossberg & Nayar, PAMI 2003).
* `linearise` makes all three frames proportional to light, as a merge by Debevec & Malik (SIGGRAPH
  1997) does, and changes the look. `straighten` does the same for a curve that is so near γ 2.2
  that the look hardly changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ahdr_cli.bracket.blocks import PairBlocks
from ahdr_cli.bracket.bracket import Bracket
from ahdr_cli.bracket.deviation import estimate_deviation
from ahdr_cli.bracket.response import ResponseEstimate, estimate_response
from ahdr_cli.bracket.shoulder import estimate_shoulder
from ahdr_cli.images import FloatArray, PixelSource
from ahdr_cli.radiometry.response import ResponseCurve
from ahdr_cli.radiometry.transfer import gamma_decode, gamma_encode

__all__ = [
    "MatchedPixels",
    "ToneMatch",
    "linearise",
    "match_if_apart",
    "straighten",
    "transfer_table",
]

APART_EV = 0.3
"""Difference between radiances of frames two stops apart (median), as the curve that is found
makes it, from which on frames are matched. It is below 0.25 on synthetic brackets, whose curves are
within 1 % of γ 2.2, and above 0.5 on cameras'. That of the frames themselves grows with their
spacing: two brackets of one camera would be treated differently."""

CLOSE_EV = 0.2
"""Median difference that a fitted curve may leave. A larger one is not the curve's doing: the
exposures are not those given, or the frames show different scenes."""

_LEVELS = 65536
"""Table entries: every value of 8 or 16 bits has its own."""

_NEAR_WHITE = 0.95
"""Encoded value from which on a table leads to white where it does not by itself: a clipped pixel
must still look clipped."""


class MatchedPixels:
    """A frame's pixels through a table, computed where and when they are asked for.

    Args:
        pixels: (H, W, 3) float32 in [0, 1].
        table: (65536,) float32 values for evenly spaced values from 0 to 1.
    """

    def __init__(self, pixels: PixelSource, table: FloatArray) -> None:
        self._pixels = pixels
        self._table = table

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, 3)."""
        return self._pixels.shape

    def __getitem__(self, box: tuple[slice, slice]) -> FloatArray:
        """The pixels (h, w, 3) of a box of rows and columns, a new array."""
        levels = self._pixels[box] * np.float32(_LEVELS - 1)
        levels += np.float32(0.5)
        matched: FloatArray = self._table[levels.astype(np.uint16)]
        return matched


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ToneMatch:
    """The tables by which the frames of a bracket are brought into agreement.

    Attributes:
        way: "matched" outer frames; a "straightened" curve, that was near γ 2.2; or all frames
            made "linear".
        estimate: the camera's curve.
        tables: of short, reference and long, see :class:`MatchedPixels`; None leaves a frame as
            it is.
    """

    way: Literal["matched", "straightened", "linear"]
    estimate: ResponseEstimate
    tables: tuple[FloatArray, FloatArray | None, FloatArray]

    def pixels(self, sources: Sequence[PixelSource]) -> list[PixelSource]:
        """The pixels of short, reference and long, matched."""
        return [
            source if table is None else MatchedPixels(source, table)
            for source, table in zip(sources, self.tables, strict=True)
        ]

    def table_of(self, bracket: Bracket, *, ratio: float) -> FloatArray:
        """The table of a further frame of the scene.

        Args:
            bracket: that was matched.
            ratio: exposure of the frame relative to the bracket's shortest.
        """
        return transfer_table(
            self.estimate.curve,
            gain=float(ratio / bracket.ratios[1]),
            seen=ratio / self.estimate.steps[0],
            linear=self.way != "matched",
        )

    def bracket(self, bracket: Bracket) -> Bracket:
        """The matched bracket, in memory; a frame that is left as it is is the same object."""
        short, reference, long = (
            frame
            if table is None
            else replace(frame, pixels=MatchedPixels(frame.pixels, table)[:, :])
            for frame, table in zip(bracket.frames, self.tables, strict=True)
        )
        return replace(bracket, frames=(short, reference, long))


def match_if_apart(bracket: Bracket) -> ToneMatch | None:
    """Match the outer frames where γ 2.2 does not make them agree, but some curve does.

    Returns:
        None if they are best left as they are.
    """
    estimate = _credible(bracket)
    if estimate is None or estimate.curve.apart_ev() < APART_EV:
        return None
    short, long = (_table(bracket, estimate, index) for index in (0, 2))
    return ToneMatch(way="matched", estimate=estimate, tables=(short, None, long))


def linearise(bracket: Bracket) -> ToneMatch | None:
    """Make all frames proportional to light.

    Returns:
        None if no curve can be found that makes the frames agree.
    """
    estimate = _credible(bracket)
    if estimate is None:
        return None
    curve = replace(estimate.curve, shoulder=estimate_shoulder(bracket, estimate))
    return _linear(bracket, replace(estimate, curve=curve), way="linear")


def straighten(bracket: Bracket, pairs: Sequence[PairBlocks], *, noise: float) -> ToneMatch | None:
    """Undo a small deviation of the curve from γ 2.2, in all frames: the look hardly changes.

    Args:
        bracket: as photographed.
        pairs: its frames compared, after alignment.
        noise: of the bracket.

    Returns:
        None if no deviation can be made out.
    """
    estimate = estimate_deviation(pairs, bracket.ratios, noise=noise)
    return None if estimate is None else _linear(bracket, estimate, way="straightened")


def _linear(
    bracket: Bracket, estimate: ResponseEstimate, *, way: Literal["straightened", "linear"]
) -> ToneMatch:
    short, reference, long = (_table(bracket, estimate, i, linear=True) for i in range(3))
    return ToneMatch(way=way, estimate=estimate, tables=(short, reference, long))


def _credible(bracket: Bracket) -> ResponseEstimate | None:
    estimate = estimate_response(bracket)
    if estimate is None or estimate.fitted_ev > CLOSE_EV or not estimate.curve.rises:
        return None
    return estimate


def _table(
    bracket: Bracket, estimate: ResponseEstimate, index: int, *, linear: bool = False
) -> FloatArray:
    """The table of frame `index`."""
    gain = float(bracket.ratios[index] / bracket.ratios[1])
    seen = (1.0 / estimate.steps[0], 1.0, estimate.steps[1])[index]
    return transfer_table(estimate.curve, gain=gain, seen=seen, linear=linear)


def transfer_table(
    curve: ResponseCurve, *, gain: float, seen: float, linear: bool = False
) -> FloatArray:
    """What a camera with γ 2.2 would have recorded instead of each value of a frame.

    A value stands for some light x, in units of the reference's white. The result stands for
    gain · γ(curve(x)) where the reference is not clipped, x ≤ 1, and for gain · x beyond, so that
    highlights keep their proportions. What is above white becomes white.

    Args:
        curve: of the camera; it must rise.
        gain: exposure of the frame relative to the reference, as recorded.
        seen: the same, as measured in the frames.
        linear: gain · x everywhere.

    Returns:
        (65536,) float32 in [0, 1], not decreasing.
    """
    values = np.linspace(0.0, 1.0, _LEVELS)
    light = curve.decode(values) / seen
    wanted = light if linear else np.where(light < 1.0, gamma_decode(curve.encode(light)), light)
    table = np.minimum(gamma_encode(wanted * gain), 1.0)
    table[0] = 0.0  # black stays black
    if table[-1] < 1.0:
        start = int(_NEAR_WHITE * (_LEVELS - 1))
        table[start:] = np.linspace(table[start], 1.0, _LEVELS - start)
    return table.astype(np.float32)
