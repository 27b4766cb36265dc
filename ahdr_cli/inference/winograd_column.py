"""A column of tiles on its way through AHDRNet's layers, a few rows at a time, from the top down.

A layer keeps the last rows of its input for the rows that follow, and goes no further down than
those after it need. So nothing is computed twice, however low the tiles are; beside each other, the
columns of a picture share what a layer sees to its sides. Of each layer's features only some rows
are in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.tiling import Box
from ahdr_cli.inference.winograd import SCRATCH, WinogradConvolution
from ahdr_cli.inference.winograd_body import WinogradBody
from ahdr_cli.inference.winograd_rows import Rows
from ahdr_cli.inference.winograd_support import CHANNELS
from ahdr_cli.inference.workers import Workers
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["STEP", "Column", "column_floats"]

STEP = 64
"""Rows that all layers go down at a time: whole blocks of 4×4 pixels also where these are dilated
by two."""

_PIXELS = 1024
"""Most of a block for what is done to pixels one by one. With half as many, threads wait for
Python's lock, for 7 % of all time."""


def column_floats(body: WinogradBody, *, rows: int) -> int:
    """What a column takes of memory for each pixel of its width.

    Args:
        body: the layers.
        rows: of the last features that are kept at a time, the step's not counted.
    """
    return CHANNELS * sum(groups * height for groups, height in _layout(body, rows))


def _layout(body: WinogradBody, rows: int) -> list[tuple[int, int]]:
    """Groups and rows of all maps, in the order of :class:`Column`.

    To the rows of a step come as many as there are between the first of a layer's radius and the
    last that one of its readers looks back to.
    """
    groups = body.groups
    one = body.refine.dilation
    after_first = 2 * one + sum(block.radius for block in body.blocks[1:])
    return [
        (1, STEP + 2 * one),
        (3 * groups, STEP + body.radius - one),
        *((2 * groups, STEP + 2 * one) for _ in body.attention),
        (groups, STEP),
        *(
            (block.groups, STEP + block.radius + block.steps[-1].convolution.dilation)
            for block in body.blocks
        ),
        (groups, STEP + after_first),
        (groups, STEP + 2 * one),
        (groups, STEP + rows),
    ]


@dataclass(slots=True)
class _Sight:
    """How far the layers that are left see; it falls from layer to layer.

    Attributes:
        part: last features that are new in this step.
        first: row of the first of all.
        size: of the picture as far as it is known.
        radius: in pixels.
    """

    part: Box
    first: int
    size: tuple[int, int]
    radius: int

    @property
    def box(self) -> Box:
        """What is new of what is there by now."""
        rows = (
            min(max(row + self.radius, self.first - self.radius, 0), self.size[0])
            for row in (self.part.top, self.part.bottom)
        )
        top, bottom = rows
        left = max(self.part.left - self.radius, 0)
        return Box(top, left, bottom, min(self.part.right + self.radius, self.size[1]))


class Column:
    """The features of a column of tiles.

    Rows are counted from the first one that the layers look at.

    Args:
        body: the layers.
        workers: that share out the work.
        memory: flat, of :func:`column_floats` for each pixel of the width.
        width: of the tiles, with their halos.
        rows: as there.
        first: row of the first features that are wanted.

    Attributes:
        features: the last ones. Who is done with rows of them says so.
    """

    def __init__(
        self,
        body: WinogradBody,
        *,
        workers: Workers,
        memory: FloatArray,
        width: int,
        rows: int,
        first: int,
    ) -> None:
        self._body, self._workers = body, workers
        self._first = first
        layout = _layout(body, rows)
        sizes = [groups * height * width * CHANNELS for groups, height in layout]
        parts = np.split(memory[: sum(sizes)], np.cumsum(sizes)[:-1])
        self._all = [
            Rows(part.reshape(groups, height, width, CHANNELS))
            for part, (groups, height) in zip(parts, layout, strict=True)
        ]
        rest = iter(self._all)
        self._seen, self._frames = next(rest), next(rest)
        self._compared = [next(rest) for _ in body.attention]
        self._mask = next(rest)
        self._collected = [next(rest) for _ in body.blocks]
        self._total, self._spread, self.features = rest
        most = max(block.groups for block in body.blocks) + 2 * body.groups
        self._pixels = min(_PIXELS, SCRATCH // (most * CHANNELS))
        self._done = -body.radius

    def descend(self, frames: FloatArray, ratios: FloatArray, *, top: int, part: Box) -> None:
        """Go on to further features.

        Args:
            frames: (3, h, w, 3), short, reference, long, as they are given.
            ratios: (3,), exposures relative to the shortest.
            top: row of the frames' first one.
            part: features that are wanted, down from where the former ones end.
        """
        size = top + frames.shape[1], frames.shape[2]
        steps = -(-(part.bottom - self._done) // STEP)
        for left in reversed(range(steps)):
            end = part.bottom - left * STEP
            new = part._replace(top=self._done, bottom=end)
            sight = _Sight(new, self._first, size, self._body.radius)
            self._step(frames, ratios, top=top, sight=sight)
            self._done = end

    def _step(self, frames: FloatArray, ratios: FloatArray, *, top: int, sight: _Sight) -> None:
        moves = [move for rows in self._all for move in rows.descend()]
        self._workers.run(lambda i: np.copyto(*moves[i]), len(moves))
        body, groups = self._body, self._body.groups
        own = slice(0, groups)
        self._encode(frames, ratios, top=top, sight=sight)
        self._attend(sight)
        self._convolve(body.merge, self._frames, self._collected[0], sight, target=own)
        for block, collected, following in zip(
            body.blocks, self._collected, (*self._collected[1:], None), strict=True
        ):
            for convolution, source, target in block.steps:
                self._convolve(
                    convolution, collected, collected, sight, source=source, target=target
                )
            maps = [(collected, slice(0, block.groups)), (self._total, own)]
            if following is not None:
                maps.append((following, own))
            self._by_pixels(partial(self._with_scratch, block.end), sight.box, *maps)
        self._convolve(body.spread, self._total, self._spread, sight)
        reference = slice(groups, 2 * groups)
        self._by_pixels(_add, sight.box, (self._frames, reference), (self._spread, own))
        self._convolve(body.refine, self._spread, self.features, sight)
        assert sight.radius == 0

    def _encode(self, frames: FloatArray, ratios: FloatArray, *, top: int, sight: _Sight) -> None:
        """What the network sees of each frame, as maps of one group, and the features of it."""
        wanted = sight.box
        groups, seen = self._body.groups, self._seen
        self._frames.written(slice(None), until=wanted.bottom)
        if wanted.top >= wanted.bottom:
            return
        radius = self._body.encode.dilation
        known = Box(
            max(wanted.top - radius, 0),
            0,
            min(wanted.bottom + radius, sight.size[0]),
            sight.size[1],
        )
        seen.top = known.top
        channels = seen.view(slice(0, 1), known).reshape(-1, CHANNELS)
        for i, (frame, ratio) in enumerate(zip(frames, ratios, strict=True)):
            pixels = frame[known.top - top : known.bottom - top].reshape(-1, 3)

            def work(block: int, pixels: FloatArray = pixels, ratio: np.float32 = ratio) -> None:
                some = slice(block * _PIXELS, (block + 1) * _PIXELS)
                channels[some, :3] = pixels[some]
                channels[some, 3:6] = pixels[some] ** np.float32(GAMMA) / ratio

            self._workers.run(work, -(-len(pixels) // _PIXELS))
            self._body.encode(
                seen.maps,
                self._frames.maps[i * groups : (i + 1) * groups],
                known=seen.here(known),
                wanted=self._frames.here(wanted),
                workers=self._workers,
                lower=self._frames.top - seen.top,
            )

    def _attend(self, sight: _Sight) -> None:
        """Multiply the features of each outer frame, one of its pair, with its mask."""
        known = sight.radius
        own = slice(0, self._body.groups)
        for layers, compared in zip(self._body.attention, self._compared, strict=True):
            sight.radius = known
            self._convolve(layers.compare, self._frames, compared, sight, source=layers.pair)
            self._convolve(layers.gate, compared, self._mask, sight)
            self._by_pixels(_apply_mask, sight.box, (self._mask, own), (self._frames, layers.outer))

    def _convolve(
        self,
        convolution: WinogradConvolution,
        given: Rows,
        to: Rows,
        sight: _Sight,
        *,
        source: slice = slice(None),
        target: slice = slice(None),
    ) -> None:
        known = given.here(sight.box)
        sight.radius -= convolution.dilation
        wanted = sight.box
        given.read(source, again=wanted.bottom - convolution.dilation)
        to.written(target, until=wanted.bottom)
        if wanted.top < wanted.bottom:
            convolution(
                given.maps[source],
                to.maps[target],
                known=known._replace(top=0),  # what has been there before is known, too
                wanted=to.here(wanted),
                workers=self._workers,
                lower=to.top - given.top,
            )

    def _with_scratch(self, end: Callable[..., None], *maps: FloatArray) -> None:
        end(self._workers.scratch, *maps)

    def _by_pixels(self, work: Callable[..., None], box: Box, *maps: tuple[Rows, slice]) -> None:
        """Work on the same pixels of maps, given as (groups, some rows, width, `CHANNELS`)."""
        for rows, groups in maps:
            rows.read(groups, again=box.bottom)
            rows.written(groups, until=box.bottom)
        height, width = box.size
        if height <= 0:
            return
        views = [rows.view(groups, box) for rows, groups in maps]
        across = -(-width // self._pixels)
        columns = -(-width // across)
        some = max(self._pixels // columns, 1)

        def block(i: int) -> None:
            top, left = i // across * some, i % across * columns
            work(*(view[:, top : top + some, left : left + columns] for view in views))

        self._workers.run(block, -(-height // some) * across)


def _add(given: FloatArray, to: FloatArray) -> None:
    to += given


def _apply_mask(mask: FloatArray, features: FloatArray) -> None:
    """Multiply features with the sigmoid of the mask, which is overwritten."""
    np.negative(mask, out=mask)
    with np.errstate(over="ignore"):  # 1 / (1 + ∞) is 0, as it should be
        np.exp(mask, out=mask)
    mask += 1.0
    features /= mask
