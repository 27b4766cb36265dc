from __future__ import annotations

import pytest
import torch
from torch import nn

from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.blocks import DenseBlock, ResidualBlock
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.cost import parameter_count
from ahdr_cli.networks.variants import VARIANTS


def test_the_six_of_the_paper():
    assert list(VARIANTS) == [
        "ahdrnet",
        "drdb-net",
        "a-rdb-net",
        "rdb-net",
        "rb-net",
        "deep-rb-net",
    ]
    assert VARIANTS["ahdrnet"] == AHDRConfig()


@pytest.mark.parametrize(
    ("name", "attention", "dilation"),
    [
        ("ahdrnet", True, 2),
        ("drdb-net", False, 2),
        ("a-rdb-net", True, 1),
        ("rdb-net", False, 1),
        ("rb-net", False, None),
        ("deep-rb-net", False, None),
    ],
)
def test_each_variant_lacks_what_its_name_says(name, attention, dilation):
    with torch.device("meta"):
        net = AHDRNet(VARIANTS[name])
    assert hasattr(net, "attention_short") is attention
    for block in net.blocks:
        assert isinstance(block, ResidualBlock if dilation is None else DenseBlock)
        convolutions = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
        spread = {m.dilation[0] for m in convolutions if m.kernel_size == (3, 3)}
        assert spread == {dilation or 1}


def test_dilation_costs_no_parameters():
    counts = {name: parameter_count(config) for name, config in VARIANTS.items()}
    assert counts["ahdrnet"] == counts["a-rdb-net"] == 1_441_283
    assert counts["drdb-net"] == counts["rdb-net"]
    # Attention: two sides of 128 → 128 and 128 → 64, 3×3 with bias.
    side = 128 * 128 * 9 + 128 + 128 * 64 * 9 + 64
    assert counts["ahdrnet"] - counts["drdb-net"] == 2 * side
    assert counts["rb-net"] < counts["deep-rb-net"] < counts["rdb-net"]


def test_ten_residual_blocks_stand_for_three_dense_ones():
    blocks = (
        DenseBlock(features=64, growth=32, layers=6, dilation=2),
        ResidualBlock(features=64),
    )
    dense, residual = (sum(p.numel() for p in block.parameters()) for block in blocks)
    assert 3 * dense == 796_416
    assert 10 * residual == 738_560


def test_blocks_with_zero_weights_are_the_identity():
    x = torch.rand(1, 8, 5, 6)
    for block in (
        DenseBlock(features=8, growth=4, layers=3, dilation=2),
        ResidualBlock(features=8),
    ):
        for parameter in block.parameters():
            nn.init.zeros_(parameter)
        assert torch.equal(block(x), x)


def test_dense_layers_see_all_before_them():
    block = DenseBlock(features=8, growth=4, layers=3, dilation=1)
    assert [layer.in_channels for layer in block.layers] == [8, 12, 16]
    assert block.fold.in_channels == 20
