"""Tiles in a pipeline come out as they do one by one, whatever happens on the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ahdr_cli.errors import OutOfMemoryError
from ahdr_cli.images import FloatArray
from ahdr_cli.inference.tile_pipeline import TilePipeline
from ahdr_cli.inference.tile_stream import stream_tiled, whole_tiles

SIZES = [(3, 4), (4, 3), (6, 5), (2, 2)]


def make_tiles(seed: int, sizes: list[tuple[int, int]]) -> list[FloatArray]:
    generator = np.random.default_rng(seed)
    return [generator.random((3, *size, 3), np.float32) for size in sizes]


@pytest.fixture(scope="module")
def in_turn(weighted_sum):
    """Results one by one."""

    def compute(tiles, conditions) -> list[FloatArray]:
        return [
            weighted_sum(torch.from_numpy(tile), torch.from_numpy(conditions)).numpy()
            for tile in tiles
        ]

    return compute


@pytest.fixture
def pipeline(simulate, weighted_sum):
    return lambda seed=0: TilePipeline(weighted_sum, accelerator=simulate(seed))


def assert_equal(actual, expected) -> None:
    assert [tile.shape for tile in actual] == [tile.shape for tile in expected]
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_pictures_of_one_tile_use_the_same_buffers(simulate, weighted_sum, conditions):
    device = simulate(0)
    made = TilePipeline(weighted_sum, accelerator=device)
    for seed in range(4):
        list(made(iter(make_tiles(seed, [(3, 4)])), conditions))
    # On the host and on the device, and one that the graph reads and writes.
    assert device.allocations == 3


@given(seed=st.integers(0, 10**6), sizes=st.lists(st.sampled_from(SIZES), max_size=9))
@settings(max_examples=150)
def test_results_are_those_of_one_by_one(simulate, weighted_sum, in_turn, conditions, seed, sizes):
    made = TilePipeline(weighted_sum, accelerator=simulate(seed))
    for number in range(2):  # the second picture finds graphs and used buffers
        tiles = make_tiles(seed + number, sizes)
        changed = conditions + number
        assert_equal(list(made(iter(tiles), changed)), in_turn(tiles, changed))
    assert made.network.refusal is None
    assert bool(made.network.captured) == bool(sizes)


def test_a_tile_is_brought_while_another_computes(pipeline, conditions):
    made = pipeline()
    drawn: list[int] = []

    def draw() -> Iterator[FloatArray]:
        for number, tile in enumerate(make_tiles(0, SIZES)):
            drawn.append(number)
            yield tile

    with closing(made(draw(), conditions)) as results:
        next(results)
        assert drawn == [0, 1, 2]


def test_buffers_are_used_again(simulate, pipeline, conditions):
    made = pipeline()
    device = made._accelerator
    list(made(iter(make_tiles(0, [(6, 5)] * 9)), conditions))
    # Two places, each on the host and on the device, and one graph's own.
    assert device.allocations == 2 * 2 + 1
    list(made(iter(make_tiles(0, [(6, 5), (3, 4)] * 3)), conditions))
    assert device.allocations == 2 * 2 + 2
    list(made(iter(make_tiles(0, [(8, 8)])), conditions))
    assert device.allocations == 2 * 2 + 2 + 2


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize("seed", range(5))
def test_trouble_with_drawing_a_tile_leaves_nothing_hanging(
    pipeline, in_turn, conditions, after, seed
):
    made = pipeline(seed)
    tiles = make_tiles(0, [(3, 4)] * after)

    def draw() -> Iterator[FloatArray]:
        yield from tiles
        raise KeyError("injected")

    with pytest.raises(KeyError, match="injected"):
        list(made(draw(), conditions))
    assert made._accelerator.idle
    assert_usable(made, in_turn, conditions)


@pytest.mark.parametrize("fatal", range(1, 5))
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("graphs", [False, True])
def test_trouble_with_computing_leaves_nothing_hanging(
    pipeline, in_turn, conditions, fatal, seed, graphs
):
    made = pipeline(seed)
    if graphs:
        list(made(iter(make_tiles(0, SIZES * 2)), conditions))
    started = 0

    def fail() -> None:
        nonlocal started
        started += 1
        if started >= fatal:
            raise RuntimeError("CUDA out of memory")

    made._accelerator.trouble = fail
    with pytest.raises(OutOfMemoryError, match="out of memory"):
        list(made(iter(make_tiles(0, SIZES)), conditions))
    assert made._accelerator.idle
    made._accelerator.trouble = None
    assert_usable(made, in_turn, conditions)


@pytest.mark.parametrize("seed", range(5))
def test_who_loses_interest_leaves_nothing_hanging(pipeline, in_turn, conditions, seed):
    made = pipeline(seed)
    with closing(made(iter(make_tiles(0, SIZES)), conditions)) as results:
        next(results)
    assert made._accelerator.idle
    assert_usable(made, in_turn, conditions)


def assert_usable(made, in_turn, conditions) -> None:
    tiles = make_tiles(9, SIZES * 2)
    before = len(made._idle)
    assert before >= 2
    assert_equal(list(made(iter(tiles), conditions)), in_turn(tiles, conditions))
    assert len(made._idle) == before


@pytest.mark.parametrize("seed", range(10))
def test_two_pictures_may_be_under_way(pipeline, in_turn, conditions, seed):
    made = pipeline(seed)
    pictures = [make_tiles(1, SIZES), make_tiles(2, SIZES[::-1])]
    streams = [made(iter(tiles), conditions + number) for number, tiles in enumerate(pictures)]
    mixed = list(zip(*streams, strict=True))
    for number, tiles in enumerate(pictures):
        assert_equal([pair[number] for pair in mixed], in_turn(tiles, conditions + number))


def test_several_threads_share_it(pipeline, in_turn, conditions):
    made = pipeline()
    results: dict[int, list[FloatArray]] = {}

    def work(number: int) -> None:
        results[number] = list(made(iter(make_tiles(number, SIZES * 3)), conditions + number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        assert_equal(results[number], in_turn(make_tiles(number, SIZES * 3), conditions + number))


@pytest.mark.parametrize("limit", [10**6, 40 * 40, 33 * 33])
def test_an_image_in_tiles_that_have_to_be_halved(simulate, make_frames, conditions, limit):
    frames = make_frames(90, 130)
    too_large: list[int] = []

    def network(crops: torch.Tensor, _conditions: torch.Tensor) -> torch.Tensor:
        return crops[1]

    def refuse(size: tuple[int, int]) -> None:
        if size[0] * size[1] > limit:
            too_large.append(size[0] * size[1])
            raise RuntimeError("CUDA out of memory")

    made = TilePipeline(network, accelerator=simulate(0))
    compute = made.network._run
    made.network._run = lambda tile: (refuse(tile.size), compute(tile))
    stream = partial(whole_tiles, partial(made, conditions=conditions))
    merged = stream_tiled(stream, frames, halo=0, inner=64)
    np.testing.assert_array_equal(merged, frames[1])
    assert bool(too_large) == (limit < 64 * 64)
