"""The Triton runtime on a GPU that it is made for: agreement with torch. `pytest -m gpu`."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.inference.cuda import CudaAccelerator
from ahdr_cli.inference.dense_steps import DENSE_FORMS
from ahdr_cli.inference.pipelined_runtime import PipelinedRuntime
from ahdr_cli.inference.runtime import open_runtime, tile_stream
from ahdr_cli.inference.tile_stream import stream_tiled
from ahdr_cli.inference.torch_runtime import TorchRuntime
from ahdr_cli.inference.triton_support import triton_failure
from ahdr_cli.metrics.psnr import psnr_mu
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig

pytestmark = pytest.mark.gpu


@pytest.fixture
def hopper(cuda) -> str:
    failure = triton_failure(cuda)
    if failure is not None:
        pytest.skip(failure)
    return cuda


@pytest.mark.parametrize(("inputs", "outputs", "taps", "dilation"), [
    (16, 64, 3, 1), (128, 128, 3, 1), (192, 64, 3, 1), (64, 192, 3, 2), (96, 32, 3, 2),
    (32, 160, 3, 2), (256, 64, 1, 1), (5, 7, 3, 1), (40, 200, 3, 2),
])  # fmt: skip
@pytest.mark.parametrize("tall", [True, False])
@pytest.mark.parametrize("size", [(61, 300), (8, 128), (1, 1)])
def test_a_convolution(hopper, inputs, outputs, taps, dilation, tall, size):
    from ahdr_cli.inference.triton_convolution import TritonConvolution

    torch.manual_seed(0)
    made = {"device": hopper, "dtype": torch.float16}
    weight = torch.randn(outputs, inputs, taps, taps, **made) / (inputs * taps**2) ** 0.5
    bias = torch.randn(outputs, **made)
    source = torch.full((*size, inputs + 16), torch.nan, **made)[..., 8 : 8 + inputs]
    source.copy_(torch.randn(*size, inputs, **made))
    target = torch.full((*size, outputs + 16), torch.nan, **made)[..., 8 : 8 + outputs]
    TritonConvolution(weight, bias, dilation=dilation, activation="relu", tall=tall)(source, target)
    expected = F.conv2d(
        source.double().permute(2, 0, 1)[None],
        weight.double(),
        bias.double(),
        padding=dilation * (taps // 2),
        dilation=dilation,
    )[0].permute(1, 2, 0)
    torch.testing.assert_close(target.double(), expected.relu(), rtol=2e-3, atol=2e-3)
    assert int(target._base.isfinite().sum()) == target.numel()


@pytest.mark.parametrize(("precision", "least"), [("fp16", 90), ("bf16", 70)])
def test_the_shipped_model_as_a_graph(hopper, precision, least, make_frames, conditions):
    checkpoint = load_checkpoint("ahdrnet")
    runtime = open_runtime(checkpoint, name="triton", device=hopper, precision=precision)
    assert isinstance(runtime, PipelinedRuntime) and runtime.name == "triton"
    oracle = open_runtime(checkpoint, name="torch")
    for size in ((128, 160), (131, 77)):
        frames = np.sort(np.stack(make_frames(*size)), axis=0)
        expected = oracle(frames, conditions)
        for _ in range(3):
            assert psnr_mu(runtime(frames, conditions), expected) > least
    assert runtime.refusal is None
    assert runtime._pipeline.network.captured == [(128, 160), (131, 77)]


def test_tiles_agree_with_the_whole_image(hopper, make_frames, conditions):
    runtime = open_runtime(
        load_checkpoint("ahdrnet"), name="triton", device=hopper, precision="fp16"
    )
    frames = make_frames(300, 260)
    expected = runtime(np.stack(frames), conditions)
    for _ in range(3):
        merged = stream_tiled(tile_stream(runtime, conditions), frames, halo=runtime.halo, inner=90)
        np.testing.assert_allclose(merged, expected, rtol=0, atol=2e-3)
    assert runtime.refusal is None


@pytest.mark.parametrize("form", DENSE_FORMS)
@pytest.mark.parametrize("tall", [True, False])
@pytest.mark.parametrize(
    "shape",
    [{}, {"attention": False}, {"block": "rdb"}, {"features": 10, "growth": 6, "layers": 3}],
    ids=str,
)
def test_variants(hopper, form, tall, shape, make_frames, conditions):
    from ahdr_cli.inference.triton_runtime import TritonRuntime

    torch.manual_seed(0)
    network = AHDRNet(AHDRConfig(**shape)).eval()
    frames = np.stack(make_frames(70, 140))
    expected = TorchRuntime(copy.deepcopy(network))(frames, conditions)
    runtime = TritonRuntime(network, device=hopper, precision="fp16", form=form, tall=tall)
    pipelined = PipelinedRuntime(runtime, accelerator=CudaAccelerator(hopper))
    for merged in (runtime(frames, conditions), *(pipelined(frames, conditions) for _ in "123")):
        assert psnr_mu(merged, expected) > 80
    assert pipelined.refusal is None
