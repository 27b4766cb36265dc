"""Two Ray nodes on this machine: equal results, a worker killed, a node lost, a poisonous set.

Runs only where Ray is installed: it is an optional extra of 260 MB that nothing else needs,
and starting its nodes takes longer than the rest of this folder. `pip install 'ahdr[cluster]'`
brings it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ahdr_cli.batch import make_plan, run_sets
from ahdr_cli.batch.cluster import parse_cluster, run_on_cluster
from ahdr_cli.errors import MissingDependencyError, ModelError, UsageError


def test_cluster_addresses():
    assert parse_cluster("ray") is None
    assert parse_cluster("ray://head:10001") == "ray://head:10001"
    for text in ("dask", "ray://", "head:10001"):
        with pytest.raises(UsageError, match="--cluster must be"):
            parse_cluster(text)


def test_without_ray_the_way_out_is_named(card, tmp_path, options, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    sets = make_plan([card], tmp_path / "out").sets
    with pytest.raises(MissingDependencyError, match=r"pip install 'ahdr\[cluster\]'"):
        list(run_on_cluster(sets, tmp_path / "out", options=options))


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[tuple[Any, Any]]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = pytest.importorskip("ray", reason="Ray is an optional extra: ahdr[cluster]")
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    here = str(Path(__file__).resolve().parents[2])
    os.environ["PYTHONPATH"] = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])
    small = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = cluster_utils.Cluster(
        initialize_head=True, head_node_args={**small, "include_dashboard": False}
    )
    second = cluster.add_node(**small)
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster, second
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def many(tmp_path, photograph) -> Path:
    folder = tmp_path / "many"
    for i in range(12):
        photograph(folder, first=3 * i + 1, when=timedelta(minutes=i))
    return folder


def results_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.exr")}


def alone(many, tmp_path, options) -> dict[str, bytes]:
    out = tmp_path / "alone"
    results = list(run_sets(make_plan([many], out).sets, out, options=options))
    assert {result.status for result in results} == {"done"}
    return results_of(out)


def worker_pids() -> list[int]:
    """Processes that run our actors."""
    import psutil

    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any("ray::Worker" in part for part in process.info["cmdline"] or ())
    ]


def test_equal_to_one_machine_bit_for_bit(two_nodes, many, tmp_path, options):
    out = tmp_path / "out"
    results = list(run_on_cluster(make_plan([many], out).sets, out, options=options))
    assert [result.status for result in results] == ["done"] * 12
    assert results_of(out) == alone(many, tmp_path, options)
    again = list(run_on_cluster(make_plan([many], out).sets, out, options=options))
    assert [result.status for result in again] == ["skipped"] * 12


def test_a_killed_worker_loses_nothing(two_nodes, many, tmp_path, options):
    out = tmp_path / "out"
    results, killed = [], []
    for result in run_on_cluster(
        make_plan([many], out).sets, out, options=replace(options, in_flight=2)
    ):
        results.append(result)
        if len(results) in (2, 5):
            victim = worker_pids()[0]
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)
    assert len(set(killed)) == 2
    assert sorted(result.planned.output for result in results) == sorted(
        planned.output for planned in make_plan([many], out).sets
    )
    assert {result.status for result in results} <= {"done", "skipped"}
    assert results_of(out) == alone(many, tmp_path, options)


def test_a_set_that_kills_workers_is_given_up_and_the_rest_is_done(
    two_nodes, many, tmp_path, options
):
    """A file that takes long to read, and a killer of whoever reads it."""
    out = tmp_path / "out"
    sets = make_plan([many], out).sets
    endless = tmp_path / "endless.jpg"
    endless.touch()
    os.truncate(endless, 2**37)  # a hole: it takes no room
    poison = replace(sets[5], inputs=(endless, *sets[5].inputs[1:]))
    stop = threading.Event()

    def kill_readers() -> None:
        while not stop.wait(0.05):
            for pid in worker_pids():
                if _has_open(pid, endless):
                    os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_readers, daemon=True)
    killer.start()
    try:
        results = list(
            run_on_cluster(
                [*sets[:5], poison, *sets[6:]], out, options=replace(options, in_flight=2)
            )
        )
    finally:
        stop.set()
        killer.join()
    failures = [result for result in results if result.status == "failed"]
    assert [result.planned.output for result in failures] == [poison.output]
    assert "3 workers died" in (failures[0].reason or "")
    assert len(results) == 12


def _has_open(pid: int, path: Path) -> bool:
    try:
        links = list(Path(f"/proc/{pid}/fd").iterdir())
        return any(str(link.readlink()) == str(path) for link in links)
    except OSError:
        return False


def test_a_bad_model_stops_the_run(two_nodes, many, tmp_path, options):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"no weights")
    out = tmp_path / "out"
    with pytest.raises(ModelError, match="not a safetensors file"):
        list(
            run_on_cluster(
                make_plan([many], out).sets, out, options=replace(options, model=str(bad))
            )
        )


def test_a_lost_node_loses_nothing(two_nodes, many, tmp_path, options):
    """Last: the node does not come back."""
    cluster, second = two_nodes
    out = tmp_path / "out"
    results = []
    for result in run_on_cluster(
        make_plan([many], out).sets, out, options=replace(options, in_flight=1)
    ):
        results.append(result)
        if len(results) == 2:
            cluster.remove_node(second, allow_graceful=False)
    assert len(results) == 12
    assert {result.status for result in results} <= {"done", "skipped"}
    assert results_of(out) == alone(many, tmp_path, options)
