"""How far a shorter frame agrees with a longer one, before it is believed."""

from __future__ import annotations

import numpy as np

from ahdr_cli.bracket.lit_frame import NEAR_WHITE, TILE, Box, LitFrame, brightest, ramp, tiles
from ahdr_cli.images import FloatArray

__all__ = ["LACK", "contradicted_share", "measured_gain", "white_share"]

LACK = (0.1, 0.4)
"""Share of a white channel's light that the shorter frame may lack: up to the first it is noise or
the camera's curve, from the second on something else was there."""

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

_SEEN = 1 << 22  # pixels in which a gain is looked for at once, about

_ENOUGH = 1 << 13
"""Blocks from which on no further part of a large picture is looked at. Of a night's few lamps most
parts show none."""


def white_share(frame: LitFrame) -> float:
    """Share of a frame's pixels that are near white, and so may lack light; [0, 1]."""
    height, width = frame.source.shape[:2]
    parts = (frame.white_part(box) for box in tiles(frame.source.shape))
    white = sum(np.count_nonzero(part[1]) for part in parts if part is not None)
    return float(white / (height * width))


def contradicted_share(longer: LitFrame, shorter: LitFrame) -> float:
    """Share of the white pixels of `longer` in which `shorter` lacks light; [0, 1].

    There is no less light than white in these. Something may have moved before some of them; where
    most lack light, the frames are not aligned or do not show the same scene.
    """
    white = lacking = 0
    for tile in tiles(longer.source.shape):
        part = longer.white_part(tile)
        if part is None:
            continue
        box, near = part
        light, shown = (brightest(frame.tile(box)[1])[near >= 1.0] for frame in (longer, shorter))
        white += len(shown)
        lacking += int((ramp(1.0 - shown / light, LACK) > 0.5).sum())
    return lacking / max(white, 1)


def measured_gain(longer: LitFrame, shorter: LitFrame) -> float | None:
    """By how much the radiance of `shorter` must be multiplied to agree with `longer`.

    Shutters are not exactly what they say. The median over flat blocks that are well exposed in
    both frames and bright in the longer one: things that moved are a minority, and the frames agree
    where the one takes over from the other.

    Returns:
        None if too little overlaps, or what does disagrees with itself.
    """
    found: list[FloatArray] = []
    boxes = [*tiles(longer.source.shape)]
    parts = max(len(boxes) * TILE**2 // _SEEN, 1)
    for part in range(parts):
        found += [_gains(longer, shorter, box) for box in boxes[part::parts]]
        if sum(len(gains) for gains in found) >= _ENOUGH:
            break
    gains = np.concatenate(found)
    if len(gains) < _FEWEST:
        return None
    middle = float(np.median(gains))
    if float(np.median(np.abs(gains - middle))) > _SCATTER:
        return None
    return float(np.exp(middle))


def _gains(longer: LitFrame, shorter: LitFrame, box: Box) -> FloatArray:
    """(n,) natural logarithms of what makes the blocks of a box agree, of those that tell it."""
    blocks = _blocks(longer.brightest(box))
    least, most = blocks.min(axis=-1), blocks.max(axis=-1)
    usable = (least > _COMPARED[0]) & (most < _COMPARED[1]) & (most - least < _FLAT)
    if not usable.any():
        return np.empty(0, np.float32)
    one, other = (
        _blocks(frame.tile(box)[1].sum(axis=2))[usable].sum(axis=-1) for frame in (longer, shorter)
    )
    gains: FloatArray = np.log(one / np.maximum(other, np.float32(1e-6 * longer.white)))
    return gains


def _blocks(values: FloatArray) -> FloatArray:
    """(h, w) → (rows, columns, pixels of a block); incomplete blocks at the ends are left out."""
    rows, columns = values.shape[0] // _BLOCK, values.shape[1] // _BLOCK
    cut = values[: rows * _BLOCK, : columns * _BLOCK]
    parted = cut.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)
    return parted.reshape(rows, columns, _BLOCK * _BLOCK)
