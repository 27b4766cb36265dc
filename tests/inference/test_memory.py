"""Free memory, with a control group's limit, becomes a tile."""

from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest

from ahdr_cli.inference import memory
from ahdr_cli.inference.budget import CPU_BYTES, GPU_PIXELS, live_channels, tile_pixels, tile_side
from ahdr_cli.inference.memory import free_memory, free_memory_of_cgroup
from ahdr_cli.inference.tiling import MIN_TILE
from ahdr_cli.networks.config import AHDRConfig


def _group(folder, *, limit, used, cache=0, version=2):
    names = {
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        2: ("memory.max", "memory.current", "inactive_file"),
    }[version]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {cache}\nfile 7\n")


@pytest.fixture
def membership(tmp_path):
    path = tmp_path / "cgroup"
    path.write_text("0::/a/b\n")
    return path


def test_the_tightest_of_nested_limits_counts(tmp_path, membership):
    _group(tmp_path / "a/b", limit=1000, used=100)
    _group(tmp_path / "a", limit=900, used=500, cache=50)
    assert free_memory_of_cgroup(tmp_path, membership) == 450


def test_max_is_no_limit(tmp_path, membership):
    _group(tmp_path / "a/b", limit="max", used=100)
    assert free_memory_of_cgroup(tmp_path, membership) is None


def test_a_container_sees_its_limit_at_the_mount(tmp_path, membership):
    _group(tmp_path, limit=1000, used=900)
    assert free_memory_of_cgroup(tmp_path, membership) == 100


def test_version_one_is_known(tmp_path):
    path = tmp_path / "cgroup"
    path.write_text("5:cpu,cpuacct:/elsewhere\n4:memory:/a\n")
    _group(tmp_path / "memory/a", limit=1000, used=600, cache=100, version=1)
    assert free_memory_of_cgroup(tmp_path, path) == 500


def test_usage_beyond_the_limit_leaves_nothing(tmp_path, membership):
    _group(tmp_path / "a/b", limit=100, used=200)
    assert free_memory_of_cgroup(tmp_path, membership) == 0


def test_without_control_groups_there_is_no_limit(tmp_path):
    assert free_memory_of_cgroup(tmp_path, tmp_path / "absent") is None


def test_the_host_has_no_more_than_the_group_leaves(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    monkeypatch.setattr(memory, "free_memory_of_cgroup", lambda: 300)
    assert free_memory("cpu") == 300
    monkeypatch.setattr(memory, "free_memory_of_cgroup", lambda: None)
    assert free_memory("cpu") == 1000


def _runtime(**changes):
    return SimpleNamespace(**{"device": "cpu", "bytes_per_pixel": 1000.0} | changes)


def test_tiles_are_capped_on_every_device():
    assert tile_pixels(_runtime(), free=10**15) == CPU_BYTES / 1000
    assert tile_pixels(_runtime(device="cuda:0"), free=10**15) == GPU_PIXELS


def test_little_memory_makes_small_tiles():
    pixels = tile_pixels(_runtime(), free=10**8)
    assert 0.3 * 10**5 < pixels < 10**5
    assert tile_pixels(_runtime(bytes_per_pixel=2000.0), free=10**8) == pytest.approx(pixels / 2)


def test_a_side_takes_its_halo_with_it():
    assert tile_side(500 * 500, halo=43) == 414
    assert tile_side(0, halo=43) == MIN_TILE


def test_live_channels_grow_with_the_network():
    assert live_channels(AHDRConfig()) == 676
    assert live_channels(AHDRConfig(block="rb")) == 484
