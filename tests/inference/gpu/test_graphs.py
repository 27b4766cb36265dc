"""Sizes of tiles are captured when they come back, and give what is computed without that."""

from __future__ import annotations

import pytest
import torch

from ahdr_cli.inference.graphs import GraphedNetwork
from ahdr_cli.inference.tile_buffer import TileBuffer

SMALL, WIDE, TALL = (4, 5), (4, 7), (9, 5)
EXHAUSTED = RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")


class Bench:
    """A network on a simulated accelerator, fed with one tile at a time."""

    def __init__(self, device, network, **settings) -> None:
        self.device = device
        self.queue = device.queue()
        self.network = GraphedNetwork(network, accelerator=device, queue=self.queue, **settings)
        self.oracle = network
        self.tiles = 0

    def check(self, *sizes: tuple[int, int]) -> None:
        """Tiles of these sizes, each with contents of its own, come out right."""
        for size in sizes:
            self.tiles += 1
            generator = torch.Generator().manual_seed(self.tiles)
            tile = TileBuffer.within(torch.empty(TileBuffer.count(*size)), *size)
            tile.frames.copy_(torch.rand(3, *size, 3, generator=generator))
            tile.conditions.copy_(torch.rand(4, generator=generator))
            self.network(tile)
            self.queue.mark().wait()
            torch.testing.assert_close(tile.merged, self.oracle(tile.frames, tile.conditions))


@pytest.fixture
def bench(simulate, weighted_sum):
    return lambda **settings: Bench(simulate(1), weighted_sum, **settings)


def test_a_size_is_captured_when_it_comes_back(bench):
    made = bench()
    made.check(SMALL)
    assert made.device.captures == 0
    made.check(SMALL, SMALL, SMALL)
    assert made.device.captures == 1
    assert made.network.captured == [SMALL]


def test_sizes_of_equal_area_are_kept_apart(bench):
    made = bench()
    made.check((4, 6), (6, 4), (4, 6), (6, 4), (3, 8), (4, 6), (6, 4), (3, 8))
    assert made.network.captured == [(4, 6), (6, 4), (3, 8)]


def test_the_sizes_used_last_are_kept(bench):
    made = bench(sizes=2)
    made.check(SMALL, SMALL, WIDE, WIDE, SMALL)
    assert made.network.captured == [WIDE, SMALL]
    made.check(TALL)
    assert made.network.captured == [SMALL]
    made.check(TALL, WIDE, WIDE)
    assert made.network.captured == [TALL, WIDE]


def test_a_graph_is_not_dropped_while_it_computes(simulate, weighted_sum):
    made = Bench(simulate(3), weighted_sum, sizes=1)
    made.check(SMALL, SMALL)
    tiles = [
        TileBuffer.within(torch.rand(TileBuffer.count(*size)), *size) for size in (SMALL, WIDE)
    ]
    waiting: list[bool] = []
    settle = made.network._settle
    made.network._settle = lambda: (settle(), waiting.append(bool(made.queue.waiting)))
    for tile in tiles:
        made.network(tile)
    assert waiting == [False]


def test_without_graphs_it_goes_on_and_says_why(bench):
    made = bench()
    made.check(SMALL, SMALL)
    made.device.refusal = RuntimeError("not permitted when stream is capturing\nand so on")
    made.check(WIDE, WIDE)
    assert made.network.refusal == "not permitted when stream is capturing and so on"
    assert made.network.captured == []
    made.device.refusal = None
    made.check(SMALL, SMALL, WIDE, WIDE)
    assert made.device.captures == 1


def test_where_memory_runs_short_graphs_make_room(bench):
    made = bench()
    made.check(SMALL, SMALL)

    def exhausted_beside_graphs() -> None:
        if made.network.captured:
            raise EXHAUSTED

    made.device.trouble = exhausted_beside_graphs
    made.check(WIDE)
    assert "out of memory" in made.network.refusal
    assert made.network.captured == []


@pytest.mark.parametrize("error", [EXHAUSTED, RuntimeError("an illegal instruction")])
def test_what_graphs_are_not_to_blame_for_is_raised(bench, error):
    made = bench()

    def fail() -> None:
        raise error

    made.device.trouble = fail
    with pytest.raises(RuntimeError, match=str(error)):
        made.check(SMALL)
    assert made.network.refusal is None
