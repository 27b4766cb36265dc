"""The Triton runtime, interpreted, against torch's: all shapes of networks that it computes."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.inference.torch_runtime import TorchRuntime

pytestmark = pytest.mark.usefixtures("interpreted", "unwritten_is_nan")


@pytest.fixture
def merged_by(make_frames, conditions):
    """What both runtimes, and torch's in float32, make of the same frames."""

    def merge(network, *, size=(8, 11), precision="fp32", **variant):
        from ahdr_cli.inference.triton_runtime import TritonRuntime

        frames = np.sort(np.stack(make_frames(*size)), axis=0)
        exact = TorchRuntime(copy.deepcopy(network))
        oracle = TorchRuntime(copy.deepcopy(network), precision=precision)
        runtime = TritonRuntime(network, device="cpu", precision=precision, **variant)
        assert runtime.name == "triton"
        return [each(frames, conditions) for each in (runtime, oracle, exact)]

    return merge


@pytest.mark.parametrize(
    ("shape", "variant"),
    [
        ({}, {}),
        ({"output": "blend", "layers": 2}, {"form": "wide"}),
        ({"block": "rdb", "attention": False, "layers": 4}, {"tall": False}),
        ({"features": 10, "growth": 5, "num_blocks": 1, "layers": 1}, {"form": "narrow"}),
    ],
    ids=str,
)
def test_it_agrees_with_torch(strong_network, merged_by, shape, variant):
    merged, expected, _ = merged_by(strong_network(**shape), **variant)
    assert expected.std() > 0.1
    np.testing.assert_allclose(merged, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_it_is_about_as_exact_as_torch_in_16_bits(strong_network, merged_by, precision):
    network = strong_network(layers=4, num_blocks=1)
    merged, rounded, exact = merged_by(network, precision=precision)
    error, other = (np.sqrt(np.square(each - exact).mean()) for each in (merged, rounded))
    assert 0 < error < 1.2 * other


def test_the_shipped_network(merged_by):
    network = load_checkpoint("ahdrnet").build()
    merged, _, exact = merged_by(network, size=(4, 5), precision="fp16")
    np.testing.assert_allclose(merged, exact, rtol=0, atol=2e-3)
