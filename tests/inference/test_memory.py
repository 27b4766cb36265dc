"""Free memory, with a control group's limit, becomes a tile."""

from __future__ import annotations

import math
from types import SimpleNamespace

import psutil
import pytest

from ahdr_cli.inference import memory
from ahdr_cli.inference.budget import CPU_BYTES, GPU_PIXELS, TileBudget, live_channels
from ahdr_cli.inference.memory import free_memory, free_memory_of_cgroup
from ahdr_cli.inference.tiling import MIN_TILE, plan_tiles
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
    plain = {"device": "cpu", "bytes_per_pixel": 1000.0, "halo": 43, "stride": 1}
    return SimpleNamespace(**plain | changes)


def _outer(runtime, *, free: int, size: tuple[int, int]) -> tuple[int, int]:
    """The largest outer box of the tiles that an image is cut into."""
    inner = TileBudget(runtime=runtime, free=free).fit(size)
    tiles = plan_tiles(size, halo=runtime.halo, inner=inner, align=runtime.stride)
    return max((tile.outer.size for tile in tiles), key=math.prod)


@pytest.mark.parametrize(
    ("device", "pixels"), [("cpu", int(CPU_BYTES / 1000)), ("cuda:0", GPU_PIXELS)]
)
def test_tiles_are_capped_on_every_device(device, pixels):
    outer = _outer(_runtime(device=device), free=10**15, size=(30_000, 40_000))
    assert 0.9 * pixels < math.prod(outer) <= pixels


def test_little_memory_makes_small_tiles():
    large, small = (
        math.prod(_outer(_runtime(bytes_per_pixel=cost), free=10**9, size=(9000, 9000)))
        for cost in (1000.0, 2000.0)
    )
    assert 0.5 * 10**6 < large < 10**6
    assert small == pytest.approx(large / 2, rel=0.1)


def test_a_side_takes_its_halo_with_it():
    def side(pixels: int) -> int:
        runtime = _runtime(bytes_per_pixel=CPU_BYTES / (pixels + 0.5))
        return TileBudget(runtime=runtime, free=10**15).side

    assert side(500 * 500) == 414
    assert side(1) == MIN_TILE


class _Rolling(SimpleNamespace):
    """A runtime that takes 500 kB for each pixel of a column's width."""

    name, device, precision, bytes_per_pixel = "rolling", "cpu", "fp32", 5000.0
    halo, stride, rows = 48, 8, 100

    def columns(self, memory: float) -> int:
        return int(memory / 500_000)

    def merge_crops(self, *_args): ...
    def release(self): ...
    def __call__(self, *_args): ...


@pytest.mark.parametrize("width", [1, 30, 900, 1500, 2130, 2131, 6000, 30_000])
@pytest.mark.parametrize("free", [10**7, 10**9, 10**12])
def test_columns_are_as_wide_as_memory_lets_them(width, free):
    """However high the image is."""
    runtime = _Rolling()
    most = runtime.columns(min(CPU_BYTES, 0.6 * free))
    for height in (50, 5000):
        outer = _outer(runtime, free=free, size=(height, width))
        assert outer[0] <= 100 + 2 * 48
        assert outer[1] <= max(most, MIN_TILE + 8 + 2 * 48)
    inner = TileBudget(runtime=runtime, free=free).fit((50, width))
    columns = -(-width // inner[1])
    if columns > 1:  # one fewer would be too wide
        fewer = columns - 1
        assert math.ceil(width / fewer / 8) * 8 + 48 * min(fewer - 1, 2) > most


def test_the_side_of_a_column_is_that_of_a_square_as_large():
    assert TileBudget(runtime=_Rolling(), free=10**12).side == int((100 * (2130 - 96)) ** 0.5)
    assert TileBudget(runtime=_Rolling(), free=0).side == MIN_TILE


def test_live_channels_grow_with_the_network():
    assert live_channels(AHDRConfig()) == 676
    assert live_channels(AHDRConfig(block="rb")) == 484
