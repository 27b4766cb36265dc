"""On a CUDA device: agreement with fp32 on the CPU. `pytest -m gpu` runs these alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.images import FloatArray
from ahdr_cli.inference.cuda import CudaAccelerator
from ahdr_cli.inference.pipelined_runtime import PipelinedRuntime
from ahdr_cli.inference.runtime import open_runtime, tile_stream
from ahdr_cli.inference.tile_buffer import TileBuffer
from ahdr_cli.inference.tile_pipeline import TilePipeline
from ahdr_cli.inference.tile_stream import run_tiled, stream_tiled
from ahdr_cli.inference.torch_runtime import TorchRuntime

pytestmark = pytest.mark.gpu

TOLERANCES = {"fp32": 2e-5, "fp16": 0.02, "bf16": 0.15}
"""Largest differences: thrice what 16 bits differ by on a CPU, where these networks were tried."""


@pytest.fixture
def open_on_cuda(cuda, checkpoint_of, make_network):
    """A tiny network as `Merger` would run it on the device."""

    def make(variant: str = "ahdrnet", precision: str = "fp32") -> PipelinedRuntime:
        checkpoint = checkpoint_of(make_network(variant))
        runtime = open_runtime(checkpoint, device=cuda, precision=precision)
        assert isinstance(runtime, PipelinedRuntime)
        return runtime

    return make


@pytest.fixture
def pictures(make_frames) -> list[FloatArray]:
    """Different contents of sizes that come back."""
    sizes = [(64, 48), (48, 64), (61, 35)] * 4
    return [np.stack(make_frames(*size)) * (1 - 0.05 * i) for i, size in enumerate(sizes)]


@pytest.mark.parametrize("precision", TOLERANCES)
def test_every_variant_agrees_with_the_cpu(
    variant, precision, open_on_cuda, make_network, pictures, conditions
):
    runtime = open_on_cuda(variant, precision)
    oracle = TorchRuntime(make_network(variant))
    for number, frames in enumerate(pictures):
        changed = conditions * (1 + number)
        merged, expected = runtime(frames, changed), oracle(frames, changed)
        assert np.abs(merged - expected).max() < TOLERANCES[precision]
        assert np.abs(merged - expected).mean() < TOLERANCES[precision] / 20
    assert runtime.refusal is None
    assert len(runtime._pipeline.network.captured) == 3


@pytest.mark.parametrize("name", ["ahdrnet", "fast"])
@pytest.mark.parametrize(("precision", "least"), [("fp32", 100), ("fp16", 90), ("bf16", 70)])
def test_shipped_models_agree_with_the_cpu(cuda, name, precision, least, make_frames, conditions):
    checkpoint = load_checkpoint(name)
    frames = np.stack(make_frames(128, 160))
    frames = np.sort(frames, axis=0)  # a longer exposure is brighter
    expected = open_runtime(checkpoint, name="torch")(frames, conditions)
    runtime = open_runtime(checkpoint, device=cuda, precision=precision)
    for _ in range(3):
        error = _mu_law(runtime(frames, conditions)) - _mu_law(expected)
        assert -10 * np.log10(np.square(error).mean()) > least


def test_tiles_agree_with_the_whole_image(open_on_cuda, make_network, make_frames, conditions):
    runtime = open_on_cuda()
    frames = make_frames(300, 260)
    oracle = TorchRuntime(make_network())
    expected = run_tiled(
        lambda crops: oracle(crops, conditions), frames, halo=oracle.halo, inner=300
    )
    for _ in range(3):
        merged = stream_tiled(tile_stream(runtime, conditions), frames, halo=runtime.halo, inner=90)
        np.testing.assert_allclose(merged, expected, rtol=0, atol=TOLERANCES["fp32"])
    assert runtime.refusal is None


def test_threads_share_the_device(open_on_cuda, pictures, conditions):
    runtime = open_on_cuda()
    expected = [runtime(frames, conditions) for frames in pictures]
    wrong: list[int] = []

    def work(start: int) -> None:
        order = [(start + i) % len(pictures) for i in range(2 * len(pictures))]
        stream = runtime.merge_tiles((pictures[i] for i in order), conditions)
        for i, merged in zip(order, stream, strict=True):
            if not np.allclose(merged, expected[i], rtol=0, atol=1e-6):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_thread_that_has_never_computed_may_capture(open_on_cuda, pictures, conditions):
    """As in a batch, where a set of the same size comes to another thread."""
    runtime = open_on_cuda()
    results: list[FloatArray] = []
    for _ in range(3):
        thread = threading.Thread(target=lambda: results.append(runtime(pictures[0], conditions)))
        thread.start()
        thread.join()
    assert runtime.refusal is None
    assert runtime._pipeline.network.captured == [pictures[0].shape[1:3]]
    for merged in results[1:]:
        np.testing.assert_allclose(merged, results[0], rtol=0, atol=1e-6)


def test_what_cannot_be_captured_is_computed_all_the_same(cuda, pictures, conditions):
    def network(frames: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        scale = float(weights.sum())  # waits for the device, which a capture does not allow
        return frames[1] * scale

    pipeline = TilePipeline(network, accelerator=CudaAccelerator(cuda))
    for frames, merged in zip(pictures, pipeline(iter(pictures), conditions), strict=True):
        np.testing.assert_allclose(merged, frames[1] * conditions[:3].sum(), rtol=1e-5)
    assert pipeline.network.refusal
    assert pipeline.network.captured == []


def test_buffers_on_the_host_can_be_reached_by_the_device(cuda):
    accelerator = CudaAccelerator(cuda)
    queue = accelerator.queue()
    host, device = accelerator.host(1000), accelerator.device(1000)
    assert host.is_pinned() and str(device.device) == cuda
    host.copy_(torch.arange(1000))
    queue.copy(host, device)
    queue.run(lambda: device.mul_(2))
    queue.copy(device, host)
    queue.mark().wait()
    assert torch.equal(host, 2.0 * torch.arange(1000))


def test_memory_does_not_grow_with_the_number_of_sizes(cuda, open_on_cuda, make_frames, conditions):
    runtime = open_on_cuda()
    largest = np.stack(make_frames(400, 400))
    for _ in range(3):
        runtime(largest, conditions)
    before = torch.cuda.memory_reserved(cuda)
    for side in range(390, 300, -5):
        frames = largest[:, :side, :side].copy()
        for _ in range(3):
            runtime(frames, conditions)
    own = 4 * TileBuffer.count(400, 400) * 12  # each graph has a buffer of its own
    assert torch.cuda.memory_reserved(cuda) < 3 * before + own


def _mu_law(radiance: FloatArray) -> FloatArray:
    return np.log1p(5000 * radiance.astype(np.float64)) / np.log1p(5000)
