"""Many sets on a Ray cluster: one worker a GPU, or one a machine where there are none.

A worker is a Ray actor that holds the model and runs the stages of a few sets at once, so that
reading, network and writing overlap as in :mod:`ahdr_cli.batch.pipeline`. Only file names
travel: all machines must see the photographs and the results under the same paths. Workers are
given no more sets than they may hold in memory. When a worker dies, its sets are tried again by
others, each alone on its worker: so a set that kills workers is found and reported, and takes no
other set with it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from ahdr_cli.batch.options import USUAL_IN_FLIGHT, BatchOptions
from ahdr_cli.batch.pipeline import open_merger
from ahdr_cli.batch.place import check_places
from ahdr_cli.batch.plan import PlannedSet
from ahdr_cli.batch.record import model_sha256
from ahdr_cli.batch.result import SetResult
from ahdr_cli.batch.shard import Shard
from ahdr_cli.batch.shared_merger import SharedMerger
from ahdr_cli.batch.stages import Workshop
from ahdr_cli.batch.workspace import open_workspace
from ahdr_cli.errors import AhdrError, DeviceError, MissingDependencyError, UsageError
from ahdr_cli.io.place import real_path

__all__ = ["parse_cluster", "run_on_cluster"]

ATTEMPTS = 3
"""Attempts at a set whose workers die, before it is reported as failed."""

REPLACEMENTS = 3
"""New workers, for each at the start, before a cluster is given up."""


def parse_cluster(text: str) -> str | None:
    """``ray`` (the cluster at hand, or this machine) as None, ``ray://HOST:PORT`` as it is.

    Raises:
        UsageError: anything else.
    """
    if text == "ray":
        return None
    if text.startswith("ray://") and len(text) > len("ray://"):
        return text
    raise UsageError(f"--cluster must be ray or ray://HOST:PORT, got {text!r}")


def run_on_cluster(
    sets: Sequence[PlannedSet],
    folder: Path,
    *,
    address: str | None = None,
    options: BatchOptions | None = None,
    shard: Shard = Shard(),  # noqa: B008 # frozen
) -> Iterator[SetResult]:
    """As :func:`ahdr_cli.batch.run_sets`, on a Ray cluster.

    Args:
        sets: what is to be merged.
        folder: of the results, which all machines see.
        address: of the cluster; None for the one that ``RAY_ADDRESS`` or ``ray start`` names,
            else for this machine alone.
        options: of the batch.
        shard: which share this is.

    Yields:
        One result a set, in the order they are finished.

    Raises:
        MissingDependencyError: Ray is not installed.
        DeviceError: no cluster answers, it has no machine for us, or all workers died.
        ModelError: the model cannot be loaded.
        OutputError: the folder cannot be used.
        UsageError: another process is working on this share, or sets would get into each
            other's way, see :func:`ahdr_cli.batch.place.check_places`.
    """
    options = options or BatchOptions()
    check_places(sets, folder, preview=options.preview)
    model = model_sha256(options.model)
    if Path(options.model).is_file():
        options = replace(options, model=str(real_path(options.model)))
    folder = real_path(folder)
    with _connected(address) as ray, open_workspace(folder, shard=shard) as staging:
        workshop = Workshop(folder=folder, staging=staging, options=options, model=model)
        yield from _Driver(ray, workshop).run(sets)


@contextmanager
def _connected(address: str | None) -> Iterator[ModuleType]:
    # Ray reports usage to its makers unless told not to; read when it starts.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError(
            "Ray is not installed", hint="pip install 'ahdr[cluster]'"
        ) from error
    if ray.is_initialized():  # by the program that calls us
        yield ray
        return
    try:
        ray.init(address=address, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DeviceError(f"no Ray cluster answers: {reason}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


class Worker:
    """Merges sets on the cluster; the driver makes it a Ray actor."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._merger = SharedMerger(partial(open_merger, workshop.options))

    def ready(self) -> bool:
        """Answers once the worker has a place on a machine."""
        return True

    def process(self, planned: PlannedSet) -> SetResult | AhdrError:
        """One set; an error is returned only if every set would meet it."""
        try:
            found = self._workshop.prepare(planned)
            if isinstance(found, SetResult):
                return found
            try:
                self._merger.open()
            except AhdrError as error:
                return error
            with self._merger.turn() as merger:
                merged = self._workshop.merge(found, merger)
            del found  # its frames are not needed while the result is written
            return self._workshop.finish(merged)
        except Exception as error:  # one set's trouble, whatever it is, is not the others'
            return self._workshop.failure(planned, error)


@dataclass(frozen=True, slots=True)
class _Place:
    """A machine for a worker, and the resources it takes there."""

    node: str
    cpus: float
    gpus: int


@dataclass(eq=False)
class _Member:
    """A worker as the driver sees it."""

    actor: Any  # Ray makes the class at run time
    place: _Place
    running: int = 0
    alone: bool = False


@dataclass(frozen=True, slots=True)
class _Task:
    planned: PlannedSet
    attempt: int = 1


@dataclass
class _Driver:
    ray: ModuleType
    workshop: Workshop
    starting: dict[Any, _Member] = field(default_factory=dict)
    members: list[_Member] = field(default_factory=list)
    pending: dict[Any, tuple[_Task, _Member]] = field(default_factory=dict)
    waiting: deque[_Task] = field(default_factory=deque)
    replacements: int = 0
    most: int = USUAL_IN_FLIGHT

    @property
    def held(self) -> int:
        """Sets that a worker holds at once, at most."""
        return min(self.workshop.options.in_flight or USUAL_IN_FLIGHT, self.most)

    def run(self, sets: Sequence[PlannedSet]) -> Iterator[SetResult]:
        if not sets:
            return
        self.most = len(sets)
        places = self._places()
        self.replacements = REPLACEMENTS * len(places)
        for place in places:
            self._start(place)
        self.waiting.extend(_Task(self._absolute(planned)) for planned in sets)
        try:
            while self.waiting or self.pending:
                self._assign()
                if not (self.pending or self.starting):
                    raise DeviceError(
                        "all workers of the cluster died",
                        hint="results so far are kept; the workers' logs say why",
                    )
                ready, _ = self.ray.wait([*self.pending, *self.starting], num_returns=1)
                yield from self._collect(ready[0])
        finally:
            for member in [*self.members, *self.starting.values()]:
                self.ray.kill(member.actor)

    def _absolute(self, planned: PlannedSet) -> PlannedSet:
        return replace(planned, inputs=tuple(real_path(path) for path in planned.inputs))

    def _places(self) -> list[_Place]:
        """One for each GPU, or one for each machine if there are none or none is wanted."""
        device = self.workshop.options.merge.device
        nodes = [node for node in self.ray.nodes() if node["Alive"]]
        on_gpus = [
            _Place(node["NodeID"], cpus=1, gpus=1)
            for node in nodes
            for _ in range(int(node["Resources"].get("GPU", 0)))
        ]
        if device != "cpu" and on_gpus:
            return on_gpus
        on_cpus = [
            _Place(node["NodeID"], cpus=node["Resources"]["CPU"], gpus=0)
            for node in nodes
            if node["Resources"].get("CPU", 0) >= 1
        ]
        if device.startswith("cuda") or not on_cpus:
            raise DeviceError(f"the cluster has no machine for --device {device}")
        return on_cpus

    def _start(self, place: _Place) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor = (
            self.ray.remote(Worker)
            .options(
                num_cpus=place.cpus,
                num_gpus=place.gpus,
                max_restarts=0,
                max_concurrency=self.held + 1,
                # Elsewhere if that machine has gone.
                scheduling_strategy=NodeAffinitySchedulingStrategy(place.node, soft=True),
            )
            .remote(self.workshop)
        )
        # It gets no work before it has a place, for which it may have to wait.
        self.starting[actor.ready.remote()] = _Member(actor, place)

    def _assign(self) -> None:
        """Hand out sets; the least busy first, none more than it may hold."""
        while self.waiting:
            free = [m for m in self.members if self._has_room(m, self.waiting[0])]
            if not free:
                return
            member = min(free, key=lambda m: m.running)
            task = self.waiting.popleft()
            member.running += 1
            member.alone = task.attempt > 1
            self.pending[member.actor.process.remote(task.planned)] = (task, member)

    def _has_room(self, member: _Member, task: _Task) -> bool:
        if task.attempt > 1:
            return member.running == 0
        return not member.alone and member.running < self.held

    def _collect(self, reference: Any) -> Iterator[SetResult]:  # noqa: ANN401 # Ray's object reference
        died = (self.ray.exceptions.RayActorError, self.ray.exceptions.RaySystemError)
        if reference in self.starting:
            member = self.starting.pop(reference)
            try:
                self.ray.get(reference)
            except died:
                self._replace(member)
            else:
                self.members.append(member)
            return
        task, member = self.pending.pop(reference)
        member.running -= 1
        member.alone = False
        try:
            outcome = self.ray.get(reference)
        except died:
            if member in self.members:
                self.members.remove(member)
                self._replace(member)
            if task.attempt < ATTEMPTS:
                self.waiting.appendleft(replace(task, attempt=task.attempt + 1))
                return
            fatal = DeviceError(f"{ATTEMPTS} workers died while they had this set in work")
            outcome = self.workshop.failure(task.planned, fatal)
        except self.ray.exceptions.RayError as error:
            outcome = self.workshop.failure(task.planned, error)
        if isinstance(outcome, AhdrError):
            raise outcome
        yield outcome

    def _replace(self, member: _Member) -> None:
        if self.replacements > 0:
            self.replacements -= 1
            self._start(member.place)
