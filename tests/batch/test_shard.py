from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.batch import Shard, parse_shard, shard_of_environment
from ahdr_cli.errors import UsageError


@given(st.lists(st.integers()), st.integers(1, 12))
def test_shards_share_everything_evenly(items, count):
    shares = [Shard(index, count).of(items) for index in range(1, count + 1)]
    assert sorted(item for share in shares for item in share) == sorted(items)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_parse():
    assert parse_shard("2/8") == Shard(2, 8)
    assert str(Shard(2, 8)) == "2/8"
    assert Shard(2, 8).suffix == "-2-of-8"
    assert Shard().suffix == ""


@pytest.mark.parametrize("text", ["", "2", "0/4", "5/4", "-1/4", "1/0", "a/b", "1/2/3", "1.0/2"])
def test_nonsense_is_refused(text):
    with pytest.raises(UsageError, match="shard"):
        parse_shard(text)


def slurm(**values: object) -> dict[str, str]:
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("values", "shard"),
    [
        (slurm(ID=0, COUNT=4, MIN=0, MAX=3, STEP=1), Shard(1, 4)),
        (slurm(ID=3, COUNT=4, MIN=0, MAX=3), Shard(4, 4)),
        (slurm(ID=1, COUNT=8, MIN=1), Shard(1, 8)),
        (slurm(ID=14, COUNT=3, MIN=10, STEP=2), Shard(3, 3)),
        ({}, None),
        ({"SLURM_JOB_ID": "7"}, None),
    ],
)
def test_slurm_arrays(values, shard):
    assert shard_of_environment(values) == shard


@pytest.mark.parametrize(
    "values",
    [
        slurm(ID=6, COUNT=3, MIN=1),
        slurm(ID=2, COUNT=3, MIN=1, STEP=2),
        slurm(ID="x", COUNT=3),
        slurm(ID=1, COUNT=3, MIN=1, STEP=0),
    ],
)
def test_irregular_arrays_are_refused(values):
    with pytest.raises(UsageError, match="--shard I/N"):
        shard_of_environment(values)
