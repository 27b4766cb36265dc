"""Highlights of a merge, raised by a frame that is shorter than those merged.

A merge ends at the white of its shortest frame. Where that frame is white, a still shorter one
tells how bright the place really is; where both tell something, they must agree, so that nothing
shows where the one takes over from the other.

Radiance is linear with 1.0 at the reference frame's white, as in an `HdrImage`; frames are
(H, W, 3), display-encoded in [0, 1], and aligned onto the reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.matching import MatchedPixels
from ahdr_cli.images import FloatArray, PixelSource
from ahdr_cli.radiometry.transfer import gamma_decode, gamma_encode

__all__ = ["NEAR_WHITE", "LitFrame", "measured_gain", "raise_highlights", "white_share"]

NEAR_WHITE = (0.88, 0.95)
"""Encoded range of the longer frame's brightest channel over which the shorter one takes over. Up
to the first nothing is changed. From the second on a JPEG's pixels may belong to a clipped block,
and cameras' curves are not known."""

_CEILING = (0.75, 0.85)
"""Encoded range of the merge, in units of the longer frame's white, over which it counts as being
at its ceiling. A merge that does not show the longer frame's light there shows something else, that
has moved since. It ends below `NEAR_WHITE`, so that it does not count where nothing moved."""

_LACK = (0.1, 0.4)
"""Share of a white channel's light that the shorter frame may lack: up to the first it is noise or
the camera's curve, from the second on something else was there."""

_UNLIKE = (0.3, 0.7)
"""Difference in a pixel that is nearly but not yet white, relative to its brightest channel: up to
the first it is noise or the camera's curve, from the second on the frames show different things."""

_ANOTHER = (0.4, 1.0)
"""The same for the channels of a white pixel that are not white, over a neighbourhood: cameras
change such colours, and JPEG spreads them over neighbours."""

_RADIUS = 2
"""Of that neighbourhood, in pixels: as far as the chroma of a JPEG spreads."""

_MORE = 1.5
"""Radiance in units of the longer frame's white that is clearly more than white."""

_BLOCK = 4
"""Side in pixels of the blocks whose light is compared to find a gain."""

_COMPARED = (0.5, NEAR_WHITE[0])
"""Encoded range of blocks in the longer frame: near the place where the shorter one takes over, and
bright enough to be well exposed in a frame several stops shorter."""

_FLAT = 0.1
"""Largest encoded difference within such a block, so that a fraction of a pixel of motion is none
of its light."""

_FEWEST = 48
"""Blocks below which no gain is measured: too little overlaps."""

_SCATTER = 0.2
"""Median deviation (natural logarithm of light) of the blocks' gains beyond which they tell
nothing: the frames show different things."""

_TILE = 256  # side in pixels of what is looked at at once
_SEEN = 1 << 22  # pixels in which a gain is looked for, about


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

    def tile(self, box: tuple[slice, slice]) -> tuple[FloatArray, FloatArray]:
        """Encoded values (h, w, 3) and radiance (h, w, 3) of a box.

        Of the values before and after matching the larger ones: what is white in one is white.
        """
        taken = np.asarray(self.source[box])
        if self.table is None:
            return taken, gamma_decode(taken) * np.float32(self.white)
        matched = MatchedPixels(taken, self.table)[:, :]
        return np.maximum(taken, matched), gamma_decode(matched) * np.float32(self.white)


def raise_highlights(radiance: FloatArray, longer: LitFrame, shorter: LitFrame) -> None:
    """Raise a merge, in place, to what a shorter frame shows where a longer one is white.

    It is raised as far as three things hold: the longer frame is near white in its brightest
    channel; the merge is at that frame's white; and the shorter frame shows the same thing, which
    is to say that it lacks no light where the longer one is white, and has as much as that one
    where that one is not. Each is a ramp, so that no contour shows. No channel is ever lowered, and
    pixels in which the longer frame is not near white keep their values to the last bit.

    Args:
        radiance: (H, W, 3) merge.
        longer: its shortest frame so far, which has no light above its white.
        shorter: a shorter one.
    """
    for box in _boxes(radiance.shape):
        # Without the margin: most tiles are nowhere white, and done.
        encoded = longer.tile(box)[0]
        near = _ramp(encoded.max(axis=2), NEAR_WHITE)
        if not near.any():
            continue
        merged = radiance[box]
        near *= _ramp(gamma_encode(merged.max(axis=2) / np.float32(longer.white)), _CEILING)
        if not near.any():
            continue
        wide, inner = _with_margin(box, radiance.shape)
        (encoded, light), shown = longer.tile(wide), shorter.tile(wide)[1]
        near *= _same(light, shown, encoded, longer.white)[inner]
        shown, change = shown[inner], near > 0.0
        merged[change] += near[change, None] * np.maximum(shown[change] - merged[change], 0.0)


def white_share(pixels: FloatArray, table: FloatArray | None) -> float:
    """Share of a frame's pixels that are near white, and so may lack light; [0, 1].

    Args:
        pixels: (H, W, 3) as they were taken.
        table: that they are matched with, if any.
    """
    least = NEAR_WHITE[0]
    if table is not None:
        # Tables do not fall, so all values from some one on become nearly white.
        least = min(least, (float(np.searchsorted(table, least)) - 1.0) / (len(table) - 1))
    white = sum(int((pixels[box].max(axis=2) > least).sum()) for box in _boxes(pixels.shape))
    return float(white / (pixels.shape[0] * pixels.shape[1]))


def measured_gain(longer: LitFrame, shorter: LitFrame) -> float | None:
    """By how much the radiance of `shorter` must be multiplied to agree with `longer`.

    Shutters are not exactly what they say. The median over flat blocks that are well exposed in
    both frames and bright in the longer one: things that moved are a minority, and the frames agree
    where the one takes over from the other.

    Returns:
        None if too little overlaps, or what does disagrees with itself.
    """
    found: list[FloatArray] = []
    boxes = [*_boxes(longer.source.shape)]
    for box in boxes[:: max(len(boxes) * _TILE**2 // _SEEN, 1)]:
        encoded, light = longer.tile(box)
        brightest = _blocks(encoded.max(axis=2))
        least, most = brightest.min(axis=-1), brightest.max(axis=-1)
        usable = (least > _COMPARED[0]) & (most < _COMPARED[1]) & (most - least < _FLAT)
        if not usable.any():
            continue
        one, other = (
            _blocks(each.sum(axis=2))[usable].sum(axis=-1) for each in (light, shorter.tile(box)[1])
        )
        found.append(np.log(one / np.maximum(other, np.float32(1e-6 * longer.white))))
    gains = np.concatenate(found) if found else np.empty(0, np.float32)
    if len(gains) < _FEWEST:
        return None
    middle = float(np.median(gains))
    if float(np.median(np.abs(gains - middle))) > _SCATTER:
        return None
    return float(np.exp(middle))


def _same(light: FloatArray, shown: FloatArray, encoded: FloatArray, white: float) -> FloatArray:
    """Whether two frames show the same thing; (h, w) in [0, 1].

    Args:
        light: (h, w, 3) radiance by the longer frame.
        shown: (h, w, 3) by the shorter one.
        encoded: (h, w, 3) values of the longer frame.
        white: its radiance of white.
    """
    known = 1.0 - _ramp(encoded, NEAR_WHITE)
    brightest = light.max(axis=2, keepdims=True) + np.float32(1e-12)
    lacking = _ramp(((light - shown) / brightest * (1.0 - known)).max(axis=2), _LACK)
    # How much more there is than white cannot be compared, only whether there is.
    difference = np.minimum(shown, np.float32(_MORE * white)) - light
    # Halfway to white a pixel's own light no longer tells: JPEG may have taken it below white.
    told = np.minimum(2.0 * known.min(axis=2), 1.0)
    unlike = _ramp(np.abs(difference / brightest).max(axis=2), _UNLIKE) * told
    around = _around(difference * known) / _around(brightest)
    another = _ramp(np.abs(around).max(axis=2), _ANOTHER)
    same: FloatArray = (1.0 - lacking) * (1.0 - np.maximum(unlike, another))
    return same


def _around(values: FloatArray) -> FloatArray:
    """Sums of (h, w, c) over the square of `_RADIUS` around each pixel, as far as there is one."""
    for axis in (0, 1):
        padding = [(0, 0)] * 3
        padding[axis] = (_RADIUS + 1, _RADIUS)
        sums = np.cumsum(np.pad(values, padding), axis=axis, dtype=np.float64)
        length = values.shape[axis]
        ends = np.arange(length) + 2 * _RADIUS + 1
        values = (sums.take(ends, axis) - sums.take(ends - 2 * _RADIUS - 1, axis)).astype(
            np.float32
        )
    return values


def _boxes(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """The tiles of a picture, row by row."""
    height, width = shape[:2]
    for top, left in product(range(0, height, _TILE), range(0, width, _TILE)):
        yield slice(top, min(top + _TILE, height)), slice(left, min(left + _TILE, width))


def _with_margin(
    box: tuple[slice, slice], shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """A box and `_RADIUS` around it, as far as there is a picture; and where the box lies in it."""
    wide, inner = [], []
    for side, length in zip(box, shape, strict=False):
        start = max(side.start - _RADIUS, 0)
        wide.append(slice(start, min(side.stop + _RADIUS, length)))
        inner.append(slice(side.start - start, side.stop - start))
    return (wide[0], wide[1]), (inner[0], inner[1])


def _blocks(values: FloatArray) -> FloatArray:
    """(h, w) → (rows, columns, pixels of a block); incomplete blocks at the ends are left out."""
    rows, columns = values.shape[0] // _BLOCK, values.shape[1] // _BLOCK
    cut = values[: rows * _BLOCK, : columns * _BLOCK]
    parted = cut.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)
    return parted.reshape(rows, columns, _BLOCK * _BLOCK)


def _ramp(values: NDArray[np.float32], ends: tuple[float, float]) -> FloatArray:
    """0 at one end, 1 at the other, linear between them and constant beyond; float32."""
    start, end = (np.float32(end) for end in ends)
    ramp: FloatArray = np.clip((values - start) / (end - start), 0.0, 1.0)
    return ramp
