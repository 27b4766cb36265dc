"""Walking an image tile by tile, and halving tiles that do not fit into memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np

from ahdr_cli.errors import OutOfMemoryError
from ahdr_cli.images import FloatArray, PixelSource
from ahdr_cli.inference.allocation import translated_allocation_errors
from ahdr_cli.inference.tiling import MIN_TILE, Box, Tile, cut_again, plan_tiles

__all__ = ["Crop", "OnTile", "TileStream", "in_turn", "run_tiled", "stream_tiled", "whole_tiles"]

OnTile: TypeAlias = Callable[[int, int], None]
"""Progress: called with tiles done and tiles in all; the latter grows if tiles are halved."""


class Crop(NamedTuple):
    """What a tile is computed from.

    Attributes:
        frames: (n, h, w, 3) float32, the outer box of the tile, cut from all frames.
        part: the inner box in its coordinates: the part of the result that is asked for.
        place: the outer box, in the image.
    """

    frames: FloatArray
    part: Box
    place: Box


TileStream: TypeAlias = Callable[[Iterator[Crop]], Generator[FloatArray, None, None]]
"""Computes the parts of crops, (height, width, 3) each, in their order. It may draw further crops
before it yields a result."""


def run_tiled(
    compute: Callable[[FloatArray], FloatArray],
    frames: Sequence[PixelSource],
    *,
    halo: int,
    inner: int | tuple[int, int],
    align: int = 1,
    on_tile: OnTile | None = None,
) -> FloatArray:
    """Compute an image tile by tile, one after the other; see :func:`stream_tiled`.

    Args:
        compute: (n, h, w, 3) → (h, w, 3), a whole tile.
        frames: as there, and so are the others.
        halo: receptive radius of `compute`.
        inner: largest inner box.
        align: of the inner boxes.
        on_tile: told of progress.
    """

    def part_of(crop: Crop) -> FloatArray:
        return compute(crop.frames)[crop.part.slices]

    stream = partial(in_turn, part_of)
    return stream_tiled(stream, frames, halo=halo, inner=inner, align=align, on_tile=on_tile)


def in_turn(
    compute: Callable[[Crop], FloatArray], crops: Iterator[Crop]
) -> Generator[FloatArray, None, None]:
    """Each crop's part before the next crop is drawn: the plainest :data:`TileStream`."""
    yield from map(compute, crops)  # holds no crop while the next one is drawn


def whole_tiles(
    stream: Callable[[Iterator[FloatArray]], Generator[FloatArray, None, None]],
    crops: Iterator[Crop],
) -> Generator[FloatArray, None, None]:
    """The :data:`TileStream` of what computes whole tiles, (n, h, w, 3) → (h, w, 3)."""
    parts: deque[Box] = deque()

    def frames() -> Iterator[FloatArray]:
        for crop in crops:
            parts.append(crop.part)
            yield crop.frames

    with closing(stream(frames())) as computed:
        for whole in computed:
            yield whole[parts.popleft().slices]


def stream_tiled(
    stream: TileStream,
    frames: Sequence[PixelSource],
    *,
    halo: int,
    inner: int | tuple[int, int],
    align: int = 1,
    on_tile: OnTile | None = None,
) -> FloatArray:
    """Compute an image in tiles.

    If a tile does not fit into memory, tiles are halved, and the ones not yet done go on with
    that size.

    Args:
        stream: computes tiles. A pixel of a result that is further than `halo` from an edge of its
            crop must not depend on what lies beyond that edge. Raises OutOfMemoryError if there
            is not enough memory.
        frames: n sources of (H, W, 3) float32.
        halo: receptive radius of `stream`.
        inner: largest inner box, as in :func:`plan_tiles`.
        align: as in :func:`plan_tiles`.
        on_tile: told of progress after every tile.

    Returns:
        (H, W, 3) float32.

    Raises:
        OutOfMemoryError: not even tiles of `MIN_TILE` fit.
    """
    size = frames[0].shape[0], frames[0].shape[1]
    with translated_allocation_errors():
        result = np.empty((*size, 3), np.float32)
    waiting = deque(plan_tiles(size, halo=halo, inner=inner, align=align))
    done = 0
    while waiting:
        try:
            with translated_allocation_errors(), closing(stream(_cut(frames, waiting))) as merged:
                for computed in merged:
                    result[waiting.popleft().inner.slices] = computed
                    done += 1
                    if on_tile is not None:
                        on_tile(done, done + len(waiting))
        except OutOfMemoryError as error:
            tile = waiting[0]
            if max(tile.inner.size) <= max(MIN_TILE, align):
                raise _give_up(tile, error) from error
            waiting = deque(cut_again(waiting, size=size, halo=halo, align=align))
        else:
            assert not waiting  # a stream yields as many results as it drew crops
    return result


def _cut(frames: Sequence[PixelSource], tiles: Iterable[Tile]) -> Iterator[Crop]:
    for tile in tuple(tiles):
        yield Crop(
            np.stack([frame[tile.outer.slices] for frame in frames]),
            tile.inner.within(tile.outer),
            tile.outer,
        )


def _give_up(tile: Tile, reason: OutOfMemoryError) -> OutOfMemoryError:
    height, width = tile.outer.size
    return OutOfMemoryError(
        f"not even a tile of {width}x{height} pixels fits into memory: {reason.message}",
        hint="free some memory; if it is the GPU's, use --device cpu",
    )
