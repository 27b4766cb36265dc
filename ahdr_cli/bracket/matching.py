"""`ToneMatch`: frames as a camera with the assumed curve would have taken them.

There are two ways. By default the reference stays as it is, and with it the look of the result:
the outer frames are changed so that, decoded with γ 2.2, they tell the same radiance as the
reference wherever it is not clipped, and above its white light in proportion. For that only the
curve's brightness transfer between two exposures is needed (Grossberg & Nayar, PAMI 2003). Or all
three frames tell light itself, as a merge by Debevec & Malik (SIGGRAPH 1997) does; where the curve
is near γ 2.2 and so is the look, that is the default too.
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
"""Difference that a fitted curve may leave: with more, something else than a curve is the matter
(exposures that are not those given, or scenes that differ)."""

_LEVELS = 65536
"""Table entries: every value that 8 or 16 bits can tell has its own."""

_NEAR_WHITE = 0.95
"""Encoded value from which on a table leads to white where it does not by itself: a clipped pixel
must still look clipped."""


class MatchedPixels:
    """A frame's pixels through a table, computed where and when they are asked for.

    Args:
        pixels: (H, W, 3) float32 in [0, 1], or what gives boxes of such.
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
        places = self._pixels[box] * np.float32(_LEVELS - 1)
        places += np.float32(0.5)
        matched: FloatArray = self._table[places.astype(np.uint16)]
        return matched


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ToneMatch:
    """How frames are brought into agreement.

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
        """Those of short, reference and long, matched."""
        return [
            source if table is None else MatchedPixels(source, table)
            for source, table in zip(sources, self.tables, strict=True)
        ]

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
    """Make all frames tell light in proportion.

    Returns:
        None if the frames do not tell by which curve they were made.
    """
    estimate = _credible(bracket)
    return None if estimate is None else _linear(bracket, estimate, way="linear")


def straighten(bracket: Bracket, pairs: Sequence[PairBlocks], *, noise: float) -> ToneMatch | None:
    """Undo a small deviation of the curve from γ 2.2, in all frames: the look hardly changes.

    Args:
        bracket: as photographed.
        pairs: its frames compared, after alignment.
        noise: of the bracket.

    Returns:
        None if the frames tell of none.
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
    """Of frame `index`."""
    gain = float(bracket.ratios[index] / bracket.ratios[1])
    seen = (1.0 / estimate.steps[0], 1.0, estimate.steps[1])[index]
    return transfer_table(estimate.curve, gain=gain, seen=seen, linear=linear)


def transfer_table(
    curve: ResponseCurve, *, gain: float, seen: float, linear: bool = False
) -> FloatArray:
    """What a camera with γ 2.2 would have recorded instead of each value of a frame.

    With x the light that the value tells, in units of the reference's white, it would have
    recorded gain · γ(curve(x)) where the reference is not clipped, x ≤ 1, and gain · x beyond, so
    that highlights keep their proportions. Values above white are white.

    Args:
        curve: of the camera; it must rise.
        gain: exposure of the frame relative to the reference, as recorded.
        seen: the same, as it really was.
        linear: gain · x everywhere.

    Returns:
        (65536,) float32 in [0, 1], which never fall.
    """
    values = np.linspace(0.0, 1.0, _LEVELS)
    light = curve.decode(values) / seen
    told = light if linear else np.where(light < 1.0, gamma_decode(curve.encode(light)), light)
    table = np.minimum(gamma_encode(told * gain), 1.0)
    table[0] = 0.0  # black tells nothing
    if table[-1] < 1.0:
        start = int(_NEAR_WHITE * (_LEVELS - 1))
        table[start:] = np.linspace(table[start], 1.0, _LEVELS - start)
    return table.astype(np.float32)
