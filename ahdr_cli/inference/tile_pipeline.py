"""TilePipeline: uploads, computes and downloads tiles, each beside the others' other steps.

While the device computes a tile, the next one is cut, copied to memory that the device can
reach, and uploaded, and the one before is downloaded. Two tiles are under way for each image;
several images, from as many threads, share the queues.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator
from itertools import cycle

import numpy as np
import torch

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.accelerator import Accelerator, Mark
from ahdr_cli.inference.allocation import translated_allocation_errors
from ahdr_cli.inference.graphs import GraphedNetwork, TensorNetwork
from ahdr_cli.inference.tile_buffer import TileBuffer

__all__ = ["BUFFER_BYTES", "TilePipeline"]

_DEPTH = 2
"""Tiles under way: with two, one computes while another comes or goes."""

BUFFER_BYTES = 4 * 12 * (_DEPTH + 1)
"""Memory on the device for each pixel of a tile: in the slots for tiles, and in a graph."""


class _Slot:
    """The buffers of one tile that is under way, on the host and the device; they are reused."""

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._host = self._device = torch.empty(0)
        self._marks: list[Mark] = []

    def fit(self, height: int, width: int) -> tuple[TileBuffer, TileBuffer]:
        """Buffers of a size on the host and on the device, which nothing may be using."""
        assert not self._marks
        count = TileBuffer.count(height, width)
        if len(self._device) < count:
            self._host = self._device = torch.empty(0)  # the old ones go first
            self._host = self._accelerator.host(count)
            self._device = self._accelerator.device(count)
        host = TileBuffer.within(self._host, height, width)
        return host, TileBuffer.within(self._device, height, width)

    def hold(self, mark: Mark) -> None:
        """The buffers are in use until a mark is reached."""
        self._marks.append(mark)

    def settle(self) -> None:
        """Wait until nothing uses the buffers."""
        for mark in self._marks:
            mark.wait()
        self._marks.clear()


class TilePipeline:
    """Computes tiles on an accelerator; may be used from several threads.

    Args:
        network: to compute with.
        accelerator: that computes.

    Attributes:
        network: the same, with its graphs.
    """

    def __init__(self, network: TensorNetwork, *, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._up, self._work, self._down = (accelerator.queue() for _ in range(3))
        self.network = GraphedNetwork(network, accelerator=accelerator, queue=self._work)
        self._lock = threading.Lock()
        self._idle: list[_Slot] = []

    def __call__(
        self, tiles: Iterator[FloatArray], conditions: FloatArray
    ) -> Generator[FloatArray, None, None]:
        """Results of tiles, in their order.

        Up to three tiles are drawn before the first one's result is yielded.

        Args:
            tiles: (3, h, w, 3) float32 each, as :class:`ahdr_cli.inference.runtime.Runtime`
                takes them.
            conditions: (4,) float32, likewise.

        Yields:
            (h, w, 3) float32.

        Raises:
            OutOfMemoryError: a tile does not fit; its forerunners may not have been yielded.
        """
        slots = self._borrow()
        under_way: deque[tuple[_Slot, TileBuffer]] = deque()
        try:
            for tile, slot in zip(tiles, cycle(slots), strict=False):
                if len(under_way) == _DEPTH:
                    yield self._land(*under_way.popleft())
                under_way.append((slot, self._launch(slot, tile, conditions)))
            while under_way:
                yield self._land(*under_way.popleft())
        finally:
            # Whatever happened, nothing may write to buffers that others get.
            for slot in slots:
                slot.settle()
            with self._lock:
                # The first is drawn first again: a picture of one tile then finds it allocated.
                self._idle += reversed(slots)

    def _borrow(self) -> list[_Slot]:
        with self._lock:
            missing = max(_DEPTH - len(self._idle), 0)
            self._idle += [_Slot(self._accelerator) for _ in range(missing)]
            return [self._idle.pop() for _ in range(_DEPTH)]

    def _launch(self, slot: _Slot, tile: FloatArray, conditions: FloatArray) -> TileBuffer:
        """Queue all that a tile needs; returns where its result will be on the host."""
        with translated_allocation_errors():
            with self._lock:  # nothing is allocated while another thread captures
                host, device = slot.fit(*tile.shape[1:3])
            # By numpy, in this thread: torch would start a team of threads for each caller.
            np.copyto(host.frames.numpy(), tile)
            np.copyto(host.conditions.numpy(), conditions)
            with self._lock:
                self._up.copy(host.frames, device.frames)
                self._up.copy(host.conditions, device.conditions)
                uploaded = self._up.mark()
                slot.hold(uploaded)
                self._work.follow(uploaded)
                try:
                    self.network(device)
                finally:
                    computed = self._work.mark()
                    slot.hold(computed)
                self._down.follow(computed)
                self._down.copy(device.merged, host.merged)
                slot.hold(self._down.mark())
        return host

    def _land(self, slot: _Slot, host: TileBuffer) -> FloatArray:
        slot.settle()
        merged: FloatArray = host.merged.numpy().copy()
        return merged
