"""How many sets a batch holds at once."""

from __future__ import annotations

import pytest

from ahdr_cli.batch import BatchOptions
from ahdr_cli.batch.options import USUAL_IN_FLIGHT, sets_in_flight
from ahdr_cli.errors import UsageError

GB = 1 << 30


@pytest.fixture
def machine(monkeypatch):
    """Cores and free memory of a machine."""

    def make(cores: int, free: int) -> None:
        monkeypatch.setattr("ahdr_cli.inference.threads.cpu_threads", lambda: cores)
        monkeypatch.setattr("ahdr_cli.inference.memory.free_memory", lambda _: free)

    return make


@pytest.mark.parametrize(
    ("device", "cores", "free", "expected"),
    [
        ("cpu", 64, 256 * GB, USUAL_IN_FLIGHT),
        ("cuda:0", 16, 128 * GB, 18),
        ("cuda:0", 16, 21 * GB, 10),
        ("cuda:1", 16, 3 * GB, USUAL_IN_FLIGHT),
        ("mps", 1, 64 * GB, USUAL_IN_FLIGHT),
    ],
)
def test_a_gpu_is_fed_by_all_cores_as_far_as_memory_goes(machine, device, cores, free, expected):
    machine(cores, free)
    assert sets_in_flight(None, device=device) == expected


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_what_was_asked_for_counts(machine, device):
    machine(16, GB)
    assert sets_in_flight(1, device=device) == 1
    assert sets_in_flight(40, device=device) == 40


@pytest.mark.parametrize("count", [0, -3])
def test_at_least_one(count):
    with pytest.raises(UsageError, match=f"at least 1 set must be in flight, got {count}"):
        BatchOptions(in_flight=count)
