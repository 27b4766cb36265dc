"""The pipelined runtime is the oracle, sooner."""

from __future__ import annotations

import numpy as np
import pytest

from ahdr_cli.inference.pipelined_runtime import PipelinedRuntime
from ahdr_cli.inference.runtime import StreamingRuntime, tile_stream
from ahdr_cli.inference.tile_stream import run_tiled, stream_tiled
from ahdr_cli.inference.torch_runtime import TorchRuntime


@pytest.fixture
def both(make_network, simulate):
    """The oracle of a variant, and the pipelined runtime of the same weights."""

    def make(variant: str = "ahdrnet") -> tuple[TorchRuntime, PipelinedRuntime]:
        oracle = TorchRuntime(make_network(variant))
        other = TorchRuntime(make_network(variant))
        return oracle, PipelinedRuntime(other, accelerator=simulate(5))

    return make


def test_it_agrees_for_every_variant(variant, both, make_frames, conditions):
    oracle, runtime = both(variant)
    for size in ((20, 30), (13, 9), (20, 30), (20, 30)):
        frames = np.stack(make_frames(*size))
        np.testing.assert_allclose(
            runtime(frames, conditions), oracle(frames, conditions), rtol=0, atol=1e-6
        )
    assert runtime.refusal is None


def test_it_agrees_in_tiles(both, make_frames, conditions):
    oracle, runtime = both()
    frames = make_frames(140, 100)
    expected = run_tiled(
        lambda crops: oracle(crops, conditions), frames, halo=oracle.halo, inner=48
    )
    for _ in range(2):
        merged = stream_tiled(tile_stream(runtime, conditions), frames, halo=runtime.halo, inner=48)
        np.testing.assert_allclose(merged, expected, rtol=0, atol=1e-6)


def test_results_belong_to_the_caller(both, make_frames, conditions):
    _, runtime = both()
    first = runtime(np.stack(make_frames(8, 8)), conditions)
    copy = first.copy()
    runtime(1 - np.stack(make_frames(8, 8)), conditions)
    np.testing.assert_array_equal(first, copy)


def test_it_reckons_with_its_buffers(both):
    oracle, runtime = both()
    assert runtime.bytes_per_pixel >= oracle.bytes_per_pixel + 3 * 4 * (9 + 3)


def test_only_what_can_stream_does(both):
    oracle, runtime = both()
    assert isinstance(runtime, StreamingRuntime)
    assert not isinstance(oracle, StreamingRuntime)
    assert (runtime.name, runtime.device, runtime.precision) == ("torch", "cpu", "fp32")
    assert (runtime.halo, runtime.stride) == (oracle.halo, oracle.stride)
