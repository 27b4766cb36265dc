"""Many sets on this machine: reading, network and writing overlap.

Readers and writers are threads, and so are those who merge, one at a time on a CPU and several
on a GPU (:mod:`ahdr_cli.batch.shared_merger`); decoders, encoders and torch release Python's lock
while they work. A semaphore bounds the sets in flight, and so the memory whatever the folder's
size: a set takes a place before it is read and gives it back when it is written. The model is
loaded once, when the first set needs it: a batch that is done already loads none.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ahdr_cli.batch.crowd import crowd
from ahdr_cli.batch.options import BatchOptions, sets_in_flight
from ahdr_cli.batch.place import check_places
from ahdr_cli.batch.plan import PlannedSet
from ahdr_cli.batch.record import model_sha256
from ahdr_cli.batch.result import SetResult
from ahdr_cli.batch.shard import Shard
from ahdr_cli.batch.shared_merger import SharedMerger
from ahdr_cli.batch.stages import Merged, Prepared, Workshop
from ahdr_cli.batch.workspace import open_workspace
from ahdr_cli.inference.devices import select_device

if TYPE_CHECKING:
    from ahdr_cli.merging import Merger

__all__ = ["open_merger", "run_sets"]


def run_sets(
    sets: Sequence[PlannedSet],
    folder: Path,
    *,
    options: BatchOptions | None = None,
    shard: Shard = Shard(),  # noqa: B008 # frozen
    opener: Callable[[BatchOptions], Merger] | None = None,
) -> Iterator[SetResult]:
    """Merge sets one after another, going on after failures.

    Sets that are done already are skipped. The work goes on while the caller looks at a
    result; closing the iterator stops it, and what is half done is left for the next run.

    Args:
        sets: this process's share.
        folder: of the results; made if it does not exist.
        options: of the batch.
        shard: which share this is: processes with different ones may share the folder.
        opener: makes the merger; by default `Merger.open` with the options' model.

    Yields:
        One result a set, in the order they are finished.

    Raises:
        ModelError, DeviceError: the model cannot be loaded or run at all.
        OutputError: the folder cannot be used.
        UsageError: another process is working on this share, or sets would get into each
            other's way, see :func:`ahdr_cli.batch.place.check_places`.
    """
    options = options or BatchOptions()
    check_places(sets, folder, preview=options.preview)
    model = model_sha256(options.model)
    with open_workspace(folder, shard=shard) as staging:
        workshop = Workshop(folder=folder, staging=staging, options=options, model=model)
        merger = SharedMerger(partial(opener or open_merger, options))
        device = select_device(options.merge.device)
        crew = min(sets_in_flight(options.in_flight, device=device), len(sets))
        pipeline = _Pipeline(workshop, merger, crew)
        with nullcontext() if device == "cpu" else crowd():  # a CPU's network is its own crowd
            yield from pipeline.run(sets)


def open_merger(options: BatchOptions) -> Merger:
    """The merger that the options ask for.

    Raises:
        ModelError, DeviceError: there is none.
    """
    from ahdr_cli.merging import Merger

    return Merger.open(options.model, options=options.merge)


class _StopError(Exception):
    """Unwinds the network when the caller has gone."""


@dataclass(frozen=True, slots=True)
class _Fatal:
    """A failure that every set would meet."""

    error: BaseException


@dataclass
class _Pipeline:
    workshop: Workshop
    merger: SharedMerger
    crew: int
    stop: threading.Event = field(default_factory=threading.Event)
    prepared: queue.SimpleQueue[Prepared | None] = field(default_factory=queue.SimpleQueue)
    merged: queue.SimpleQueue[Merged | None] = field(default_factory=queue.SimpleQueue)
    results: queue.SimpleQueue[SetResult | _Fatal] = field(default_factory=queue.SimpleQueue)

    def run(self, sets: Sequence[PlannedSet]) -> Iterator[SetResult]:
        # As many of each kind as sets in flight: they wait for the disk, the network or a place,
        # and on a machine with many cores and a fast GPU they set the pace.
        crew = self.crew
        places = threading.Semaphore(crew)
        waiting = _Shared(iter(sets))
        threads = [
            *(self._thread("read", self._read, waiting, places) for _ in range(crew)),
            *(self._thread("merge", self._merge, places) for _ in range(crew)),
            *(self._thread("write", self._write, places) for _ in range(crew)),
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in sets:
                result = self.results.get()
                if isinstance(result, _Fatal):
                    raise result.error
                yield result
        finally:
            self.stop.set()
            for _ in range(crew):
                places.release()  # a reader may be waiting for a place
                self.prepared.put(None)
                self.merged.put(None)
            for thread in threads:
                thread.join()

    def _thread(self, name: str, target: Callable[..., None], *args: object) -> threading.Thread:
        def guarded() -> None:
            try:
                target(*args)
            except BaseException as error:  # must reach the caller, who waits for results
                self.results.put(_Fatal(error))

        return threading.Thread(target=guarded, name=f"ahdr-{name}", daemon=True)

    def _read(self, waiting: _Shared, places: threading.Semaphore) -> None:
        while True:
            places.acquire()
            planned = None if self.stop.is_set() else waiting.next()
            if planned is None:
                places.release()
                return
            try:
                found = self.workshop.prepare(planned)
            except Exception as error:  # one set's trouble, whatever it is, is not the others'
                self.results.put(self.workshop.failure(planned, error))
                places.release()
                continue
            if isinstance(found, Prepared):
                self.prepared.put(found)
            else:
                self.results.put(found)
                places.release()

    def _merge(self, places: threading.Semaphore) -> None:
        while (prepared := self.prepared.get()) is not None:
            self.merger.open()  # a failure is every set's
            try:
                with self.merger.turn() as merger:
                    if self.stop.is_set():
                        return
                    merged = self.workshop.merge(prepared, merger, on_tile=self._on_tile)
            except _StopError:
                return
            except Exception as error:
                self.results.put(self.workshop.failure(prepared.planned, error))
                places.release()
            else:
                self.merged.put(merged)
                del merged  # its pixels must not outlive their place
            del prepared

    def _write(self, places: threading.Semaphore) -> None:
        while (merged := self.merged.get()) is not None:
            try:
                self.results.put(self.workshop.finish(merged))
            except Exception as error:
                self.results.put(self.workshop.failure(merged.result.planned, error))
            del merged
            places.release()

    def _on_tile(self, done: int, total: int) -> None:
        if self.stop.is_set():
            raise _StopError


class _Shared:
    """An iterator that several threads draw from."""

    def __init__(self, items: Iterator[PlannedSet]) -> None:
        self._items = items
        self._lock = threading.Lock()

    def next(self) -> PlannedSet | None:
        with self._lock:
            return next(self._items, None)
