"""`LitFrame`: an aligned frame, and what radiance its values mean.

Radiance is linear with 1.0 at the reference frame's white, as in an `HdrImage`; frames are
(H, W, 3), display-encoded in [0, 1], and aligned onto the reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.matching import MatchedPixels
from ahdr_cli.images import FloatArray, PixelSource
from ahdr_cli.radiometry.transfer import gamma_decode

__all__ = ["NEAR_WHITE", "TILE", "Box", "LitFrame", "brightest", "ramp", "tiles"]

Box: TypeAlias = tuple[slice, slice]
"""Rows and columns of a part of a picture."""

NEAR_WHITE = (0.88, 0.95)
"""Encoded range of the longer frame's brightest channel over which the shorter one takes over. Up
to the first nothing is changed. From the second on a JPEG's pixels may belong to a clipped block,
and cameras' curves are not known."""

TILE = 256
"""Side in pixels of what is looked at at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LitFrame:
    """An aligned frame, and what radiance its values mean.

    Attributes:
        source: (H, W, 3) as it was taken.
        table: see :class:`ahdr_cli.bracket.matching.MatchedPixels`; None for γ 2.2.
        white: radiance of its white.
    """

    source: PixelSource
    table: FloatArray | None
    white: float

    @property
    def darkest_white(self) -> float:
        """Value as taken up to which no channel is near white."""
        least = NEAR_WHITE[0]
        if self.table is None:
            return least
        # Tables do not fall, so all values from some one on become nearly white.
        matched = (float(np.searchsorted(self.table, least)) - 1.0) / (len(self.table) - 1)
        return min(least, matched)

    def tile(self, box: Box) -> tuple[FloatArray, FloatArray]:
        """Encoded values (h, w, 3) and radiance (h, w, 3) of a box.

        Of the values before and after matching the larger ones: what is white in one is white.
        """
        taken = np.asarray(self.source[box])
        if self.table is None:
            return taken, gamma_decode(taken) * np.float32(self.white)
        matched = MatchedPixels(taken, self.table)[:, :]
        return np.maximum(taken, matched), gamma_decode(matched) * np.float32(self.white)

    def brightest(self, box: Box) -> FloatArray:
        """Encoded value (h, w) of the brightest channel, as :meth:`tile` has it."""
        taken = brightest(np.asarray(self.source[box]))
        if self.table is None:
            return taken
        # A table does not fall, so the brightest channel stays the brightest.
        return np.maximum(taken, MatchedPixels(taken, self.table)[:, :])

    def white_part(self, box: Box) -> tuple[Box, FloatArray] | None:
        """The part of a box that is near white at all, and how near, (h, w) in [0, 1]."""
        taken = np.asarray(self.source[box])
        if taken.max() <= self.darkest_white:
            return None  # as most tiles of most pictures are
        near = ramp(self.brightest(box), NEAR_WHITE)
        found = [np.flatnonzero(near.any(axis=axis)) for axis in (1, 0)]
        if not len(found[0]):
            return None
        (top, bottom), (left, right) = ((int(i[0]), int(i[-1]) + 1) for i in found)
        rows, columns = (side.start for side in box)
        part = slice(rows + top, rows + bottom), slice(columns + left, columns + right)
        return part, near[top:bottom, left:right]


def brightest(values: FloatArray) -> FloatArray:
    """(h, w, 3) → (h, w), the largest channel."""
    # One channel upon the other: numpy's maximum over a last axis of three is far slower.
    largest = np.maximum(values[..., 0], values[..., 1])
    return np.maximum(largest, values[..., 2], out=largest)


def tiles(shape: tuple[int, ...]) -> Iterator[Box]:
    """The tiles of a picture, row by row."""
    height, width = shape[:2]
    for top, left in product(range(0, height, TILE), range(0, width, TILE)):
        yield slice(top, min(top + TILE, height)), slice(left, min(left + TILE, width))


def ramp(values: NDArray[np.float32], ends: tuple[float, float]) -> FloatArray:
    """0 at one end, 1 at the other, linear between them and constant beyond; float32."""
    start, end = (np.float32(end) for end in ends)
    found: FloatArray = np.clip((values - start) / (end - start), 0.0, 1.0)
    return found
