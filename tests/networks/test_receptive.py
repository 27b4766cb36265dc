"""The receptive radius, against the gradient of one output pixel."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig, FastConfig
from ahdr_cli.networks.families import AnyNetwork
from ahdr_cli.networks.fast import FastNet
from ahdr_cli.networks.receptive import receptive_radius
from ahdr_cli.networks.variants import VARIANTS

MARGIN = 3


def influence(config: AHDRConfig) -> tuple[torch.Tensor, int]:
    """|d output pixel / d input| summed over channels, (3 frames, H, W), and the centre."""
    torch.manual_seed(0)
    net = AHDRNet(config).double()
    _open_all_paths(net)
    with torch.no_grad():
        net.output.weight.mul_(1e-4)  # residual sums double what they add to, block by block
    radius = receptive_radius(config)
    centre = radius + MARGIN
    return _gradient(net, side=2 * centre + 1, row=centre, column=centre), centre


def _open_all_paths(net: AnyNetwork) -> None:
    # Averaging, positive weights: no ReLU is off, no sigmoid saturates and nothing cancels, so
    # that the gradient is non-zero wherever a path exists. At the border it is a product of
    # some 17 small factors, for which single precision would not do.
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            with torch.no_grad():
                module.weight.abs_().div_(module.weight.sum(dim=(1, 2, 3), keepdim=True))
                module.bias.fill_(0.1)


def _gradient(net: AnyNetwork, *, side: int, row: int, column: int) -> torch.Tensor:
    frames = torch.rand(1, 3, 7, side, side, dtype=torch.float64, requires_grad=True)
    net(frames)[0, :, row, column].sum().backward()
    return frames.grad[0].abs().sum(dim=1)


@pytest.mark.parametrize(
    ("name", "radius"),
    [
        ("ahdrnet", 43),
        ("drdb-net", 41),
        ("a-rdb-net", 25),
        ("rdb-net", 23),
        ("rb-net", 11),
        ("deep-rb-net", 25),
    ],
)
def test_every_variant_sees_exactly_as_far_as_computed(name, radius):
    config = dataclasses.replace(VARIANTS[name], features=4, growth=2)
    assert receptive_radius(VARIANTS[name]) == receptive_radius(config) == radius

    gradient, centre = influence(config)
    low, high = centre - radius, centre + radius
    inside = torch.zeros_like(gradient, dtype=torch.bool)
    inside[:, low : high + 1, low : high + 1] = True
    assert (gradient[~inside] == 0).all()
    for frame in gradient:
        for edge in (frame[low], frame[high], frame[:, low], frame[:, high]):
            assert edge.max() > 0


def test_depth_and_layers_enter():
    config = AHDRConfig(features=4, growth=2, num_blocks=2, layers=3)
    gradient, centre = influence(config)
    radius = 1 + 2 + 1 + 2 * 3 * 2 + 3
    assert receptive_radius(config) == radius
    assert gradient[:, centre - radius].max() > 0
    assert (gradient[:, : centre - radius] == 0).all()


@pytest.mark.parametrize(
    ("config", "radius"),
    [(FastConfig(), 97), (FastConfig(dilations=(2,)), 29)],
)
def test_the_fast_network_sees_as_far_as_computed_from_some_place_of_a_cell(config, radius):
    assert receptive_radius(config) == radius
    torch.manual_seed(0)
    small = FastConfig(features=4, shallow=2, detail=10, dilations=config.dilations)
    net = FastNet(small).double()
    _open_all_paths(net)
    with torch.no_grad():
        net.output.weight.mul_(1e-3)  # so that nothing is clipped
        net.output.bias.zero_()
    middle = -(-(radius + MARGIN) // 4) * 4
    reached = []
    for place in range(4):
        gradient = _gradient(
            net, side=2 * middle + 4, row=middle + place, column=middle + 3 - place
        )
        rows = gradient.sum(dim=(0, 2)).nonzero()[:, 0]
        columns = gradient.sum(dim=(0, 1)).nonzero()[:, 0]
        reached += [
            middle + place - int(rows[0]),
            int(rows[-1]) - middle - place,
            middle + 3 - place - int(columns[0]),
            int(columns[-1]) - middle - 3 + place,
        ]
    assert max(reached) == radius
