"""GraphedNetwork: a network on a queue, captured as a graph for sizes of tiles that come back.

A network is about a hundred operations, each started by Python. Captured, they are one call,
however busy the interpreter is with reading and writing other pictures. A graph is bound to a
size and to its own buffers, so tiles are copied into it and results out of it, on the device.
"""

from __future__ import annotations

import textwrap
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from torch import Tensor

from ahdr_cli.inference.accelerator import Accelerator, Queue, Work
from ahdr_cli.inference.allocation import is_out_of_memory
from ahdr_cli.inference.tile_buffer import TileBuffer

__all__ = ["SIZES", "GraphedNetwork", "TensorNetwork"]

SIZES = 12
"""Sizes remembered. A plan for one image has at most nine: ends and middle of rows and columns."""

TensorNetwork: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""(3, h, w, 3) and (4,) → (h, w, 3), all on the device."""


@dataclass(frozen=True, slots=True, eq=False)
class _Graph:
    buffer: TileBuffer
    replay: Work


class GraphedNetwork:
    """Queues tiles. Not to be called from two threads at once.

    The first tile of a size is computed as usual, which is also what libraries need to get ready;
    with the second the size is captured. So a single picture does not pay for it, and a batch of
    equal pictures does once. Of many sizes, the ones used last are kept.

    When a capture fails, or memory runs short beside the graphs, they are given up for good.

    Attributes:
        refusal: why nothing is captured any more; None while all is well.

    Args:
        network: to compute with.
        accelerator: that computes.
        queue: on it, the only one that runs the network.
        sizes: to remember.
    """

    def __init__(
        self,
        network: TensorNetwork,
        *,
        accelerator: Accelerator,
        queue: Queue,
        sizes: int = SIZES,
    ) -> None:
        self.refusal: str | None = None
        self._network = network
        self._accelerator = accelerator
        self._queue = queue
        self._sizes = sizes
        # None stands for a size that has been computed, but not captured. Ordered by last use.
        self._graphs: OrderedDict[tuple[int, int], _Graph | None] = OrderedDict()

    @property
    def captured(self) -> list[tuple[int, int]]:
        """Sizes (height, width) that there are graphs of, the one used last at the end."""
        return [size for size, graph in self._graphs.items() if graph is not None]

    def __call__(self, tile: TileBuffer) -> None:
        """Queue the computation of a tile, from its frames and conditions to its result.

        Args:
            tile: on the device.
        """
        graph = self._graph(tile.size)
        if graph is None:
            self._run(tile)
            return
        self._queue.copy(tile.frames, graph.buffer.frames)
        self._queue.copy(tile.conditions, graph.buffer.conditions)
        self._queue.run(graph.replay)
        self._queue.copy(graph.buffer.merged, tile.merged)

    def _graph(self, size: tuple[int, int]) -> _Graph | None:
        if self.refusal is not None:
            return None
        known = size in self._graphs
        graph = self._graphs.get(size)
        if known and graph is None:
            try:
                graph = self._capture(size)
            except RuntimeError as error:  # out of memory, or an operation that cannot be recorded
                self._give_up(error)
                return None
        self._graphs[size] = graph
        self._graphs.move_to_end(size)
        # The new one is there before the oldest goes: their common memory lives as long as any.
        if len(self._graphs) > self._sizes:
            self._settle()
            self._graphs.popitem(last=False)
        return graph

    def _capture(self, size: tuple[int, int]) -> _Graph:
        buffer = TileBuffer.within(self._accelerator.device(TileBuffer.count(*size)), *size)
        replay = self._accelerator.capture(partial(self._compute, buffer), self._queue)
        return _Graph(buffer=buffer, replay=replay)

    def _run(self, tile: TileBuffer) -> None:
        work = partial(self._compute, tile)
        try:
            self._queue.run(work)
        except RuntimeError as error:
            if not (is_out_of_memory(error) and self.captured):
                raise
            self._give_up(error)
            self._queue.run(work)

    def _compute(self, tile: TileBuffer) -> None:
        tile.merged.copy_(self._network(tile.frames, tile.conditions))

    def _give_up(self, error: RuntimeError) -> None:
        self.refusal = textwrap.shorten(str(error), width=160, placeholder=" …")
        self._settle()
        self._graphs.clear()

    def _settle(self) -> None:
        """Wait until no queued work uses a graph, which may then be deleted."""
        self._queue.mark().wait()
