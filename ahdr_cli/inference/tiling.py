"""The plan of exact tiling: any tile size gives the result of the whole image.

A tile's inner box is what is kept of it. Its outer box adds the halo, as many pixels as the
network can see, so that every kept pixel sees what it would see in the whole image. At the
image's own border the outer box stops, and the network's zero padding acts there as it does
on the whole image, and nowhere else.

Boxes are half-open, in pixels of the full image; sizes are (height, width).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

__all__ = ["MIN_TILE", "Box", "Tile", "cut_again", "fit_columns", "fit_tile", "plan_tiles"]

MIN_TILE = 32
"""Side in pixels below which tiles are not halved any further: with a halo of 43 pixels, thirteen
of fourteen pixels computed are context already."""


class Box(NamedTuple):
    """Rows top ≤ y < bottom, columns left ≤ x < right."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the box in an array (H, W, …)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def within(self, other: Box) -> Box:
        """The same box in coordinates that begin at the corner of `other`."""
        return self.moved(-other.top, -other.left)

    def moved(self, down: int, right: int) -> Box:
        """The same box elsewhere."""
        return Box(self.top + down, self.left + right, self.bottom + down, self.right + right)

    def grown(self, halo: int, *, size: tuple[int, int]) -> Box:
        """Larger by `halo` on every side, as far as an image of `size` reaches."""
        return Box(
            max(self.top - halo, 0),
            max(self.left - halo, 0),
            min(self.bottom + halo, size[0]),
            min(self.right + halo, size[1]),
        )


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of an image to be computed, and the part of it that is kept.

    Attributes:
        outer: goes through the network.
        inner: lies inside `outer` and enters the result.
    """

    outer: Box
    inner: Box


def plan_tiles(
    size: tuple[int, int], *, halo: int, inner: int | tuple[int, int], align: int = 1
) -> list[Tile]:
    """Cut an image into tiles, column by column of them, from the top down.

    Args:
        size: (height, width) of the image.
        halo: receptive radius of the network.
        inner: largest inner box, (height, width) or the side of a square. The boxes of an
            image are of nearly equal size, so that there are no slivers.
        align: inner boxes begin at multiples of this.

    Returns:
        Tiles whose inner boxes cover every pixel exactly once.
    """
    if halo < 0:
        raise ValueError(f"halo must not be negative, got {halo}")
    return _plan(Box(0, 0, *size), size=size, halo=halo, inner=_pair(inner), align=align)


def fit_tile(size: tuple[int, int], *, halo: int, pixels: int, align: int = 1) -> tuple[int, int]:
    """The inner box with which an image takes the least work in limited memory.

    Args:
        size: (height, width) of the image.
        halo: receptive radius of the network.
        pixels: how large an outer box may be.
        align: as in :func:`plan_tiles`.

    Returns:
        (height, width), multiples of `align` that :func:`plan_tiles` can cut the image into; not
        below `MIN_TILE` unless the image is, even if that takes more than `pixels`.
    """
    height, width = size
    best, least = (min(height, MIN_TILE), min(width, MIN_TILE)), math.inf
    for rows in range(1, max(height // MIN_TILE, 1) + 1):
        longest = _longest(height, rows, halo=halo, align=align)
        columns = _fewest(width, halo=halo, most=pixels // longest, align=align)
        if columns > max(width // MIN_TILE, 1):
            continue
        # Every cut is computed on both of its sides.
        work = (height + 2 * halo * (rows - 1)) * (width + 2 * halo * (columns - 1))
        if work < least:
            best, least = (_part(height, rows, align), _part(width, columns, align)), work
    return best


def fit_columns(width: int, *, halo: int, most: int, align: int = 1) -> int:
    """The inner width of the fewest equal columns that an image can be cut into.

    Args:
        width: of the image.
        halo: receptive radius of the network.
        most: how wide an outer box may be.
        align: as in :func:`plan_tiles`.

    Returns:
        A multiple of `align`; not below `MIN_TILE` unless the image is, even if `most` is.
    """
    columns = _fewest(width, halo=halo, most=most, align=align)
    return _part(width, min(columns, max(width // MIN_TILE, 1)), align)


def cut_again(tiles: Iterable[Tile], *, size: tuple[int, int], halo: int, align: int) -> list[Tile]:
    """Tiles of half the area of the first or less, in place of tiles that did not fit."""
    rest = list(tiles)
    inner = _halved(rest[0].inner.size)
    parts = (
        part
        for tile in rest
        for part in _plan(tile.inner, size=size, halo=halo, inner=inner, align=align)
    )
    return sorted(parts, key=lambda part: (part.inner.left, part.inner.top))


def _plan(
    region: Box, *, size: tuple[int, int], halo: int, inner: tuple[int, int], align: int
) -> list[Tile]:
    """Tiles of a region of an image of `size`."""
    tiles = []
    for left, right in pairwise(_cuts(region.left, region.right, most=inner[1], align=align)):
        for top, bottom in pairwise(_cuts(region.top, region.bottom, most=inner[0], align=align)):
            box = Box(top, left, bottom, right)
            tiles.append(Tile(outer=box.grown(halo, size=size), inner=box))
    return tiles


def _cuts(start: int, end: int, *, most: int, align: int) -> list[int]:
    """Ends of nearly equal steps from `start`, a multiple of `align`, to `end`."""
    units = math.ceil((end - start) / align)
    steps = math.ceil(units / max(most // align, 1))
    return [start + units * i // steps * align for i in range(steps)] + [end]


def _part(length: int, parts: int, align: int) -> int:
    """The longest of equal parts that begin at multiples of `align`, itself such a multiple."""
    return math.ceil(length / parts / align) * align


def _longest(length: int, parts: int, *, halo: int, align: int) -> int:
    """The longest part of a length in equal parts, with its halo: an end has it on one side."""
    return min(_part(length, parts, align) + halo * min(parts - 1, 2), length)


def _fewest(length: int, *, halo: int, most: int, align: int) -> int:
    """The least number of parts of a length of which none is longer than `most` with its halo."""
    for parts in (1, 2):
        if _longest(length, parts, halo=halo, align=align) <= most:
            return parts
    inner = (most - 2 * halo) // align * align
    return max(math.ceil(length / max(inner, 1)), 3)


def _halved(size: tuple[int, int]) -> tuple[int, int]:
    """Half the area or less: the longer side is cut, and both if they are similar."""
    height, width = size
    if height > 2 * width:
        return max(math.ceil(height / 2), MIN_TILE), width
    if width > 2 * height:
        return height, max(math.ceil(width / 2), MIN_TILE)
    return max(math.ceil(height / 2), MIN_TILE), max(math.ceil(width / 2), MIN_TILE)


def _pair(inner: int | tuple[int, int]) -> tuple[int, int]:
    pair = (inner, inner) if isinstance(inner, int) else inner
    if min(pair) < 1:
        raise ValueError(f"inner must be positive, got {inner}")
    return pair
