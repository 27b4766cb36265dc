"""Highlights of a merge, raised by a frame that is shorter than those merged.

A merge ends at the white of its shortest frame. Where that frame is white, a still shorter one
tells how bright the place really is; where both tell something, they must agree, so that nothing
shows where the one takes over from the other.

Radiance is linear with 1.0 at the reference frame's white, as in an `HdrImage`; frames are
(H, W, 3), display-encoded in [0, 1], and aligned onto the reference.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ahdr_cli.bracket.lit_frame import NEAR_WHITE, Box, LitFrame, brightest, ramp, tiles
from ahdr_cli.bracket.overlap import LACK
from ahdr_cli.images import FloatArray
from ahdr_cli.radiometry.transfer import gamma_encode

__all__ = ["raise_highlights"]

_CEILING = (0.75, 0.85)
"""Encoded range of the merge, in units of the longer frame's white, over which it counts as being
at its ceiling. A merge that does not show the longer frame's light there shows something else, that
has moved since. It ends below `NEAR_WHITE`, so that it does not count where nothing moved."""

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

_NONE = np.float32(1e-12)
"""Radiance that is none."""


def raise_highlights(
    radiance: FloatArray,
    longer: LitFrame,
    shorter: LitFrame,
    *,
    between: Sequence[LitFrame] = (),
) -> None:
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
        between: frames between the two, which would know better: it is raised only where all of
            them lack light, because something moved before it.
    """
    for tile in tiles(radiance.shape):
        part = longer.white_part(tile)
        if part is None:
            continue
        box, near = part
        merged = radiance[box]
        near *= ramp(gamma_encode(brightest(merged) / np.float32(longer.white)), _CEILING)
        if not near.any():
            continue
        wide, inner = _with_margin(box, radiance.shape)
        (encoded, light), shown = longer.tile(wide), shorter.tile(wide)[1]
        known = 1.0 - ramp(encoded, NEAR_WHITE)
        near *= _same(light, shown, known, longer.white)[inner]
        for other in between:
            # Along the outline of what moved pixels are mixed: darker than the light, yet not dark.
            near *= _spread(_lacking(light, other.tile(wide)[1], known))[inner]
        shown, change = shown[inner], near > 0.0
        merged[change] += near[change, None] * np.maximum(shown[change] - merged[change], 0.0)


def _same(light: FloatArray, shown: FloatArray, known: FloatArray, white: float) -> FloatArray:
    """Whether two frames show the same thing; (h, w) in [0, 1].

    Args:
        light: (h, w, 3) radiance by the longer frame.
        shown: (h, w, 3) by the shorter one.
        known: (h, w, 3) in [0, 1], where `light` is all that there is, and not what white tells.
        white: radiance of the longer frame's white.
    """
    most = brightest(light)[..., None] + _NONE
    # How much more there is than white cannot be compared, only whether there is.
    difference = np.minimum(shown, np.float32(_MORE * white)) - light
    # Halfway to white a pixel's own light no longer tells: JPEG may have taken it below white.
    told = np.minimum(2.0 * -brightest(-known), 1.0)
    unlike = ramp(brightest(np.abs(difference / most)), _UNLIKE) * told
    around = _around(difference * known) / _around(most)
    another = ramp(brightest(np.abs(around)), _ANOTHER)
    same: FloatArray = 1.0 - np.maximum(unlike, another)
    same *= 1.0 - _lacking(light, shown, known)
    return same


def _lacking(light: FloatArray, shown: FloatArray, known: FloatArray) -> FloatArray:
    """Whether a shorter frame lacks light where a longer one is white; (h, w) in [0, 1]."""
    most = brightest(light)[..., None] + _NONE
    return ramp(brightest((light - shown) / most * (1.0 - known)), LACK)


def _spread(values: FloatArray) -> FloatArray:
    """The largest of (h, w) in the square of `_RADIUS` around each pixel."""
    for axis in (0, 1):
        length = values.shape[axis]
        spread = values.copy()
        for shift in range(1, min(_RADIUS, length - 1) + 1):
            for to, of in ((0, shift), (shift, 0)):
                one = (slice(None),) * axis + (slice(to, length - shift + to),)
                other = (slice(None),) * axis + (slice(of, length - shift + of),)
                spread[one] = np.maximum(spread[one], values[other])
        values = spread
    return values


def _around(values: FloatArray) -> FloatArray:
    """Sums of (h, w, c) over the square of `_RADIUS` around each pixel, as far as there is one."""
    for axis in (0, 1):
        padding = [(0, 0)] * 3
        padding[axis] = (_RADIUS, _RADIUS)
        padded = np.pad(values, padding)
        length = values.shape[axis]
        along = (slice(None),) * axis
        values = padded[(*along, slice(0, length))].copy()
        for shift in range(1, 2 * _RADIUS + 1):
            values += padded[(*along, slice(shift, shift + length))]
    return values


def _with_margin(box: Box, shape: tuple[int, ...]) -> tuple[Box, Box]:
    """A box and `_RADIUS` around it, as far as there is a picture; and where the box lies in it."""
    wide, inner = [], []
    for side, length in zip(box, shape, strict=False):
        start = max(side.start - _RADIUS, 0)
        wide.append(slice(start, min(side.stop + _RADIUS, length)))
        inner.append(slice(side.start - start, side.stop - start))
    return (wide[0], wide[1]), (inner[0], inner[1])
