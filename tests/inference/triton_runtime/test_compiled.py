"""What the kernels of the published AHDRNet compile to, for a GPU that need not be there."""

from __future__ import annotations

import pytest
import torch

from ahdr_cli.networks.config import AHDRConfig


@pytest.fixture
def launches(kernels):
    return kernels.record(AHDRConfig(), (1000, 1500), dtype=torch.float16)


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """Nothing is taken from a cache."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))


def test_a_network_is_32_launches_and_12_kernels(launches):
    assert len(launches) == 32
    assert len({launch.name for launch in launches}) == 12


@pytest.mark.parametrize("name", ["64→192", "256→64, add"])
def test_kernels_fit_an_h100(kernels, launches, name):
    launch = next(launch for launch in launches if name in launch.name)
    compiled = kernels.compile_launch(launch)
    assert compiled.spilled == 0
    assert compiled.registers * 32 * launch.arguments["num_warps"] <= 65536
    assert compiled.shared <= kernels.SHARED
    assert "wgmma.mma_async" in compiled.ptx
    assert "cp.async.cg" in compiled.ptx  # 16 bytes at a time, past the first cache


def test_counted_times_are_plausible(launches):
    """Not less than the multiply-accumulates of the network take, nor more than twice that."""
    least = 2 * 1_440_000 * 1_500_000 / 790e12
    assert least < sum(launch.seconds()["tensor cores"] for launch in launches) < 2 * least
