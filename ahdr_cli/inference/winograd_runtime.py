"""WinogradRuntime: the fast path of AHDRNet in float32 on CPUs.

Nearly all of its arithmetic are 3×3 convolutions, which Winograd's algorithm does in a quarter of
the multiplications; ONNX Runtime does not have it for CPUs. So they are computed here, by kernels
that numba compiles and matrix products of numpy's BLAS, and what follows the last features by ONNX
Runtime. Times and accuracy: ``benchmarks/cpu_network.md``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.allocation import translated_allocation_errors
from ahdr_cli.inference.blas import SingleThreadedBlas
from ahdr_cli.inference.devices import Precision
from ahdr_cli.inference.onnx_ahdrnet import build_decision
from ahdr_cli.inference.onnx_runtime import open_session
from ahdr_cli.inference.threads import cpu_threads
from ahdr_cli.inference.tile_stream import Crop
from ahdr_cli.inference.tiling import Box, plan_tiles
from ahdr_cli.inference.winograd import SCRATCH
from ahdr_cli.inference.winograd_body import WinogradBody
from ahdr_cli.inference.winograd_column import Column, column_floats
from ahdr_cli.inference.winograd_rows import Rows
from ahdr_cli.inference.winograd_support import CHANNELS
from ahdr_cli.inference.workers import Workers, aligned_floats
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.receptive import decision_radius, receptive_radius

__all__ = ["WinogradRuntime"]

_PIECE = (96, 192)
"""Least and largest side in pixels of what a thread decides at once. So few pixels take ONNX
Runtime 0.9 µs each, and those of a whole tile, which no cache holds, 1.5 µs."""

_DECISION = 1200
"""Bytes that this takes for each pixel of a piece."""

_PIECES_BYTES = 2e8
"""Memory for the pieces of all threads, unless these are many."""

_ROWS = 192
"""Rows of a tile. Fewer would take more time for what follows the last features."""

_CROP_BYTES = 3 * 3 * 4
"""Memory of a pixel that a tile is computed from."""

_single_threaded_blas = SingleThreadedBlas()


@dataclass(slots=True)
class _Course:
    """A column of tiles under way.

    Attributes:
        column: its features.
        memory: what they lie in.
        rows: of the tallest tile.
        origin: row of the picture that the column counts from.
        place: the last crop's outer box.
        done: its inner box, in the picture.
    """

    column: Column
    memory: FloatArray
    rows: int
    origin: int
    place: Box
    done: Box

    def leads_to(self, crop: Crop) -> bool:
        """Whether a crop lies right below the last one."""
        part = _in_picture(crop)
        beside = (part.left, part.right, crop.place.left, crop.place.right)
        return (
            part.top == self.done.bottom
            and beside == (self.done.left, self.done.right, self.place.left, self.place.right)
            and part.size[0] <= self.rows
        )


def _in_picture(crop: Crop) -> Box:
    return crop.part.moved(crop.place.top, crop.place.left)


class WinogradRuntime:
    """AHDRNet in float32.

    Args:
        config: for which :func:`ahdr_cli.inference.winograd_support.has_winograd_body` holds.
        weights: all parameters, by the names that the network's module gives them.
    """

    name = "winograd"
    device = "cpu"
    precision: Precision = "fp32"
    stride = 8  # lines of four pixels, one or two apart
    rows = _ROWS

    def __init__(self, config: AHDRConfig, weights: Mapping[str, FloatArray]) -> None:
        self.halo = -(-receptive_radius(config) // self.stride) * self.stride
        self._radius = decision_radius(config)
        threads = cpu_threads()
        side = int((_PIECES_BYTES / threads / _DECISION) ** 0.5)
        beyond = 2 * self._radius.frames
        self._piece = min(max(side - beyond, _PIECE[0]), _PIECE[1])
        self._pieces_bytes = threads * (self._piece + beyond) ** 2 * _DECISION
        self._decision = open_session(build_decision(config, weights, group=CHANNELS), part=True)
        self._workers = Workers(threads, scratch=SCRATCH)
        self._body = WinogradBody(config, weights)
        self._kept: list[FloatArray] = []

    def columns(self, memory: float) -> int:
        """See :class:`ahdr_cli.inference.runtime.RollingRuntime`."""
        return int((memory - self._pieces_bytes) / (self.bytes_per_pixel * _ROWS))

    @property
    def bytes_per_pixel(self) -> float:
        """Memory for each pixel of a tile of :attr:`rows`, however many lie below each other."""
        crop = _CROP_BYTES * (_ROWS + 2 * self.halo)
        return (4 * self._floats(_ROWS) + crop) / _ROWS

    def __call__(self, frames: FloatArray, conditions: FloatArray) -> FloatArray:
        """See :class:`ahdr_cli.inference.runtime.Runtime`."""
        whole = Box(0, 0, *frames.shape[1:3])
        (radiance,) = self.merge_crops(iter([Crop(frames, whole, whole)]), conditions)
        return radiance

    def merge_crops(
        self, crops: Iterator[Crop], conditions: FloatArray
    ) -> Generator[FloatArray, None, None]:
        """See :class:`ahdr_cli.inference.runtime.RollingRuntime`."""
        course: _Course | None = None
        try:
            for crop in crops:
                with translated_allocation_errors():
                    if course is None or not course.leads_to(crop):
                        if course is not None:
                            self._kept.append(course.memory)
                        course = None  # should there be no memory for another one
                        course = self._begin(crop)
                    merged = self._merge(crop, conditions, course)
                yield merged
        finally:
            if course is not None:
                self._kept.append(course.memory)

    def release(self) -> None:
        """See :class:`ahdr_cli.inference.runtime.Runtime`."""
        self._kept.clear()

    def _begin(self, crop: Crop) -> _Course:
        part = _in_picture(crop)
        first = max(part.top - self._radius.features, crop.place.top)
        origin = max(first - self._body.radius, crop.place.top)
        rows, width = max(part.size[0], _ROWS), crop.frames.shape[2]
        memory = self._memory(width * self._floats(rows))
        column = Column(
            self._body,
            workers=self._workers,
            memory=memory,
            width=width,
            rows=rows + 2 * self._radius.features,
            first=first - origin,
        )
        return _Course(column, memory, rows, origin, crop.place, part)

    def _floats(self, rows: int) -> int:
        return column_floats(self._body, rows=rows + 2 * self._radius.features)

    def _merge(self, crop: Crop, conditions: FloatArray, course: _Course) -> FloatArray:
        """The next part of a column."""
        column, part = course.column, crop.part
        lower = crop.place.top - course.origin
        wanted = part.grown(self._radius.features, size=crop.frames.shape[1:3])
        with _single_threaded_blas():
            column.descend(crop.frames, conditions[:3], top=lower, part=wanted.moved(lower, 0))
        pieces = plan_tiles(part.size, halo=0, inner=self._piece)
        radiance = np.empty((*part.size, 3), np.float32)

        def decide(i: int) -> None:
            inner = pieces[i].inner
            piece = inner.moved(part.top, part.left)
            radiance[inner.slices] = self._decide(
                crop.frames, conditions, column.features, part=piece, lower=lower
            )

        self._workers.run(decide, len(pieces))
        column.features.read(slice(None), again=max(part.bottom + lower - self._radius.features, 0))
        course.place, course.done = crop.place, _in_picture(crop)
        return radiance

    def _decide(
        self,
        frames: FloatArray,
        conditions: FloatArray,
        features: Rows,
        *,
        part: Box,
        lower: int,
    ) -> FloatArray:
        """What becomes of features; a part of a crop, whose first row is `lower` in its column."""
        size = frames.shape[1:3]
        of_features = part.grown(self._radius.features, size=size)
        of_frames = part.grown(self._radius.frames, size=size)
        known = features.view(slice(None), of_features.moved(lower, 0))
        # Where frames matter and features do not there are none.
        seen = np.zeros((len(known), *of_frames.size, CHANNELS), np.float32)
        seen[:, *of_features.within(of_frames).slices] = known
        given = {
            "frames": np.ascontiguousarray(frames[:, *of_frames.slices]),
            "conditions": conditions,
            "features": seen,
        }
        radiance: FloatArray
        (radiance,) = self._decision.run(None, given)
        return radiance[part.within(of_frames).slices]

    def _memory(self, size: int) -> FloatArray:
        """Flat memory, that was used for another column if there is some.

        Memory that was given back would have to be cleared by the system for every column.
        """
        try:
            memory = self._kept.pop()
        except IndexError:
            memory = np.empty(0, np.float32)
        if memory.size < size:
            del memory
            memory = aligned_floats(size)
        return memory
