from __future__ import annotations

import pytest
import torch

from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.cost import macs_per_pixel, parameter_count
from ahdr_cli.networks.input import RADIANCE

TINY = AHDRConfig(features=8, growth=4)


def tiny(config: AHDRConfig = TINY) -> AHDRNet:
    torch.manual_seed(0)
    return AHDRNet(config)


def test_size_of_the_published_network():
    assert parameter_count(AHDRConfig()) == 1_441_283
    assert macs_per_pixel(AHDRConfig()) == 1_446_720


def test_attention_maps_lie_strictly_between_0_and_1(random_input):
    maps = tiny().attention_maps(random_input(10, 14))
    for mask in maps:
        assert mask.shape == (1, 8, 10, 14)
        assert mask.min() > 0
        assert mask.max() < 1


def test_each_side_has_its_own_attention(random_input):
    frames = random_input(10, 10)
    frames[:, 2] = frames[:, 0]
    maps = tiny().attention_maps(frames)
    assert not torch.allclose(maps.short, maps.long)


def test_closed_gates_shut_out_the_outer_frames(random_input):
    net, frames = tiny(), random_input(10, 10)
    for side in (net.attention_short, net.attention_long):
        torch.nn.init.zeros_(side.gate.weight)
        torch.nn.init.constant_(side.gate.bias, -1e4)  # sigmoid underflows to 0
    changed = frames.clone()
    changed[:, (0, 2)] = torch.rand(1, 2, 7, 10, 10, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(net(frames), net(changed))


def test_no_attention_no_maps(random_input):
    net = tiny(AHDRConfig(attention=False, features=8, growth=4))
    with pytest.raises(ValueError, match="no attention"):
        net.attention_maps(random_input(8, 8))


def test_one_step_of_training_lowers_the_loss(random_input):
    net, frames = tiny(), random_input(16, 16)
    target = frames[:, 1, RADIANCE]
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = (net(frames) - target).abs().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"block": "dense"}, ValueError),
        ({"features": 0}, ValueError),
        ({"growth": -1}, ValueError),
        ({"layers": 2.0}, ValueError),
        ({"num_blocks": "3"}, ValueError),
        ({"stride": 2}, TypeError),
    ],
)
def test_wrong_configurations(values, error):
    with pytest.raises(error):
        AHDRConfig(**values)
