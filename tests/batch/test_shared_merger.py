"""Threads share one merger: in turn on a CPU, at once on a GPU."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ahdr_cli import Merger
from ahdr_cli.batch import make_plan, run_sets
from ahdr_cli.batch.pipeline import open_merger
from ahdr_cli.batch.shared_merger import SharedMerger
from ahdr_cli.errors import ModelError

THREADS = 4


def on(device: str) -> SharedMerger:
    return SharedMerger(lambda: SimpleNamespace(plan=SimpleNamespace(device=device)))


def test_a_gpu_is_used_by_all_at_once():
    merger = on("cuda:0")
    together = threading.Barrier(THREADS)

    def use(_: int) -> None:
        with merger.turn():
            together.wait(timeout=30)  # breaks if anyone is kept out

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(use, range(THREADS)))


def test_a_cpu_is_used_by_one_at_a_time():
    merger = on("cpu")
    inside = 0

    def use(_: int) -> None:
        nonlocal inside
        for _ in range(50):
            with merger.turn():
                inside += 1
                assert inside == 1
                threading.Event().wait(0.0001)  # lets the others try
                inside -= 1

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(use, range(THREADS)))


def test_it_is_opened_once():
    opened: list[int] = []

    def open_slowly() -> SimpleNamespace:
        opened.append(1)
        threading.Event().wait(0.01)
        return SimpleNamespace(plan=SimpleNamespace(device="cuda:0"))

    merger = SharedMerger(open_slowly)
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda _: merger.open(), range(THREADS)))
    assert len(opened) == 1
    assert len({id(one) for one in found}) == 1


def test_what_cannot_be_opened_says_so():
    def fail() -> Merger:
        raise ModelError("injected")

    with pytest.raises(ModelError, match="injected"), SharedMerger(fail).turn():
        pass


@pytest.mark.parametrize(("device", "most"), [("cpu", 1), ("cuda:0", 2)])
def test_a_batch_merges_several_sets_at_once_on_a_gpu(card, tmp_path, options, device, most):
    inner = open_merger(options)
    lock = threading.Lock()
    running, seen = 0, []
    met = threading.Event()

    class Watched:
        plan = replace(inner.plan, device=device)

        def warnings(self, bracket):
            return inner.warnings(bracket)

        def prepare(self, bracket, *, shorter):
            return inner.prepare(bracket, shorter=shorter)

        def merge(self, prepared, *, on_tile=None):
            nonlocal running
            with lock:
                running += 1
                seen.append(running)
                if running == 2:
                    met.set()
            if most == 2:
                met.wait(timeout=30)
            try:
                return inner.merge(prepared, on_tile=on_tile)
            finally:
                with lock:
                    running -= 1

    plan = make_plan([card], tmp_path / "out")
    settings = replace(options, in_flight=2)
    results = list(
        run_sets(plan.sets, tmp_path / "out", options=settings, opener=lambda _: Watched())
    )
    assert [result.status for result in results] == ["done"] * len(plan.sets)
    assert max(seen) == most
