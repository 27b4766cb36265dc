"""Tiles cover the image once, and computing by tiles changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ahdr_cli.errors import OutOfMemoryError
from ahdr_cli.images import FloatArray
from ahdr_cli.inference.runtime import RUNTIMES, Runtime, open_runtime
from ahdr_cli.inference.tile_stream import run_tiled
from ahdr_cli.inference.tiling import MIN_TILE, Box, fit_tile, plan_tiles
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig

sides = st.integers(1, 300)


@given(
    size=st.tuples(sides, sides),
    halo=st.integers(0, 60),
    inner=st.tuples(st.integers(5, 300), st.integers(5, 300)),
    align=st.sampled_from([1, 2, 4]),
)
def test_inner_boxes_partition_the_image(size, halo, inner, align):
    count = np.zeros(size, int)
    for tile in plan_tiles(size, halo=halo, inner=inner, align=align):
        count[tile.inner.slices] += 1
        assert tile.inner.size[0] <= inner[0]
        assert tile.inner.size[1] <= inner[1]
        assert tile.inner.top % align == 0
        assert tile.inner.left % align == 0
    assert (count == 1).all()


@given(size=st.tuples(sides, sides), halo=st.integers(0, 60), inner=st.integers(1, 300))
def test_outer_boxes_reach_a_halo_further_or_to_the_border(size, halo, inner):
    for tile in plan_tiles(size, halo=halo, inner=inner):
        assert tile.outer == Box(
            max(tile.inner.top - halo, 0),
            max(tile.inner.left - halo, 0),
            min(tile.inner.bottom + halo, size[0]),
            min(tile.inner.right + halo, size[1]),
        )


@given(size=st.tuples(sides, sides), inner=st.integers(1, 300))
def test_there_are_no_slivers(size, inner):
    tiles = plan_tiles(size, halo=0, inner=inner)
    heights = {tile.inner.size[0] for tile in tiles}
    widths = {tile.inner.size[1] for tile in tiles}
    assert max(heights) - min(heights) <= 1
    assert max(widths) - min(widths) <= 1


@pytest.mark.parametrize("bad", [{"inner": 0, "halo": 1}, {"inner": 8, "halo": -1}])
def test_impossible_plans_are_refused(bad):
    with pytest.raises(ValueError, match="must"):
        plan_tiles((10, 10), **bad)


@given(
    size=st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    halo=st.integers(0, 60),
    pixels=st.integers(1, 10**6),
    align=st.sampled_from([1, 4]),
)
def test_a_fitted_tile_fits(size, halo, pixels, align):
    inner = fit_tile(size, halo=halo, pixels=pixels, align=align)
    tiles = plan_tiles(size, halo=halo, inner=inner, align=align)
    largest = max(np.prod(tile.outer.size) for tile in tiles)
    assert largest <= max(pixels, (MIN_TILE + 2 * halo) ** 2)
    assert min(inner) >= min(MIN_TILE, *size)
    if size[0] * size[1] <= pixels:
        assert len(tiles) == 1


def test_a_fitted_tile_wastes_little():
    tiles = plan_tiles((1000, 1500), halo=43, inner=fit_tile((1000, 1500), halo=43, pixels=320_000))
    outer = [tile.outer.size[0] * tile.outer.size[1] for tile in tiles]
    assert max(outer) <= 320_000
    assert sum(outer) <= 1.22 * 1000 * 1500


def test_a_grid_that_does_not_divide_the_image_costs_no_further_tile():
    size = (998, 1498)
    inner = fit_tile(size, halo=96, pixels=1000 * 850, align=4)
    assert len(plan_tiles(size, halo=96, inner=inner, align=4)) == 2


@pytest.fixture(scope="module")
def runtimes(make_network, checkpoint_of) -> dict[str, Runtime]:
    """Runtimes of networks with everything in it; whole groups of channels for Winograd's.

    All but Triton's, which needs a GPU: `gpu/test_triton.py`.
    """
    checkpoint = checkpoint_of(make_network())
    torch.manual_seed(0)
    config = AHDRConfig(features=32, growth=32, layers=2, num_blocks=2, output="blend")
    wide = checkpoint_of(AHDRNet(config).eval())
    return {
        "torch": open_runtime(checkpoint, name="torch"),
        "onnxruntime": open_runtime(checkpoint, name="onnxruntime"),
        "winograd": open_runtime(wide, name="winograd"),
    }


@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(16, 90),
    width=st.integers(16, 90),
    inner=st.integers(7, 90),
    name=st.sampled_from([name for name in RUNTIMES if name != "triton"]),
)
def test_tiled_equals_whole(runtimes, make_frames, conditions, height, width, inner, name):
    _assert_tiled_equals_whole(runtimes[name], make_frames(height, width), conditions, inner)


@pytest.mark.parametrize("name", ["torch", "onnxruntime"])
def test_tiled_equals_whole_for_every_variant(
    variant, make_network, checkpoint_of, make_frames, conditions, name
):
    runtime = open_runtime(checkpoint_of(make_network(variant)), name=name)
    _assert_tiled_equals_whole(runtime, make_frames(131, 77), conditions, 40)


def test_without_enough_halo_tiles_differ(runtimes, make_frames, conditions):
    # The equality above would prove nothing if these networks saw less far than they may.
    runtime = runtimes["torch"]
    frames = make_frames(130, 130)
    tiled = run_tiled(
        lambda crops: runtime(crops, conditions), frames, halo=runtime.halo // 4, inner=65
    )
    assert np.abs(tiled - runtime(np.stack(frames), conditions)).max() > 1e-4


def test_progress_is_told_tile_by_tile(make_frames):
    told: list[tuple[int, int]] = []
    run_tiled(
        lambda crops: crops[1],
        make_frames(40, 60),
        halo=3,
        inner=20,
        on_tile=lambda done, total: told.append((done, total)),
    )
    assert told == [(i, 6) for i in range(1, 7)]


class _Memory:
    """Stands in for a network on a machine whose memory holds so many pixels."""

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self.sizes: list[tuple[int, int]] = []

    def __call__(self, crops: FloatArray) -> FloatArray:
        if crops.shape[1] * crops.shape[2] > self.pixels:
            raise OutOfMemoryError("injected")
        self.sizes.append(crops.shape[1:3])
        return crops[1]


@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    inner=st.integers(1, 200),
    align=st.sampled_from([1, 4, 64]),
    halo=st.integers(0, 10),
)
@settings(deadline=None)
def test_tiles_are_halved_until_they_fit(make_frames, height, width, inner, align, halo):
    frames = make_frames(height, width)
    memory = _Memory(pixels=max(MIN_TILE, align) ** 2 + (2 * halo) * 400)
    result = run_tiled(memory, frames, halo=halo, inner=inner, align=align)
    np.testing.assert_array_equal(result, frames[1])


def test_what_is_done_is_not_done_again(make_frames):
    frames = make_frames(256, 256)
    calls: list[tuple[int, int]] = []
    told: list[tuple[int, int]] = []

    def fail_once(crops: FloatArray) -> FloatArray:
        calls.append(crops.shape[1:3])
        if len(calls) == 3:
            raise OutOfMemoryError("injected")
        return crops[1]

    result = run_tiled(
        fail_once, frames, halo=0, inner=128, on_tile=lambda *state: told.append(state)
    )
    np.testing.assert_array_equal(result, frames[1])
    assert calls == [(128, 128)] * 3 + [(64, 64)] * 8
    assert told == [(1, 4), (2, 4), *((i, 10) for i in range(3, 11))]


def test_numpys_own_failures_count_as_well(make_frames, monkeypatch):
    frames = make_frames(100, 100)
    stack = np.stack

    def limited(crops: list[FloatArray]) -> FloatArray:
        if crops[0].size > 3 * 50 * 50:
            raise MemoryError
        return stack(crops)

    monkeypatch.setattr(np, "stack", limited)
    result = run_tiled(lambda crops: crops[1], frames, halo=0, inner=100)
    np.testing.assert_array_equal(result, frames[1])


def test_in_the_end_it_gives_up(make_frames):
    memory = _Memory(pixels=100)
    with pytest.raises(OutOfMemoryError, match=r"42x42") as caught:
        run_tiled(memory, make_frames(256, 256), halo=10, inner=256)
    assert caught.value.hint is not None
    assert memory.sizes == []


def _assert_tiled_equals_whole(
    runtime: Runtime, frames: list[FloatArray], conditions: FloatArray, inner: int
) -> None:
    compute: Callable[[FloatArray], FloatArray] = lambda crops: runtime(crops, conditions)  # noqa: E731 - short
    tiled = run_tiled(compute, frames, halo=runtime.halo, inner=inner, align=runtime.stride)
    whole = compute(np.stack(frames))
    assert tiled.shape == whole.shape == frames[0].shape
    assert np.ptp(whole) > 0.1
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-5)
