"""SharedMerger: one merger for all threads that merge sets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ahdr_cli.merging import Merger

__all__ = ["SharedMerger"]


class SharedMerger:
    """Opens the merger once, when the first set needs it, and lends it to several threads.

    On a CPU a merge takes all cores, so sets take turns. On a GPU they do not: frames are aligned
    by the CPU, which takes longer than the network does, so some are aligned while another is
    computed, and the GPU takes tiles as they come.

    Args:
        opener: makes the merger.
    """

    def __init__(self, opener: Callable[[], Merger]) -> None:
        self._opener = opener
        self._merger: Merger | None = None
        self._opening = threading.Lock()
        self._turn = threading.Lock()

    def open(self) -> Merger:
        """The merger; raises what opening it raises."""
        with self._opening:
            if self._merger is None:
                self._merger = self._opener()
            return self._merger

    @contextmanager
    def turn(self) -> Iterator[Merger]:
        """The merger, when it may be used."""
        merger = self.open()
        with self._turn if merger.plan.device == "cpu" else nullcontext():
            yield merger
