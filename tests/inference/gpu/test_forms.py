"""The forms of the dense block that the GPU benchmark compares are one and the same network."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch

from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig


@pytest.fixture(scope="module")
def forms(load_benchmark) -> ModuleType:
    return load_benchmark("gpu_forms")


@pytest.mark.parametrize("form", ["concatenated", "fused", "wide"])
@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"output": "blend"},
        {"attention": False},
        {"block": "rdb"},
        {"block": "rb"},
        {"layers": 1},
        {"features": 5, "growth": 3, "layers": 3, "num_blocks": 2},
    ],
    ids=str,
)
def test_forms_agree(forms, form, shape):
    torch.manual_seed(0)
    network = AHDRNet(AHDRConfig(**{"features": 8, "growth": 4} | shape)).eval().double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)  # strong enough for every layer to matter
    parameters = dict(network.named_parameters())
    frames = torch.rand(1, 3, 7, 21, 17, dtype=torch.float64)
    with torch.inference_mode():
        expected = network(frames)
        forms.set_form(network, form)
        actual = network(frames)
    assert expected.std() > 0.05
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)
    dense = network.config.block != "rb"
    assert any(type(block).__name__ == "WideBlock" for block in network.blocks) == (
        dense and form == "wide"
    )
    # The same tensors, however they are arranged.
    shared = {id(parameter) for parameter in network.parameters()}
    assert shared <= {id(parameter) for parameter in parameters.values()}
