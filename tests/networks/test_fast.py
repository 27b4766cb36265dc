from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ahdr_cli.networks.blend import blend, exposure_logits
from ahdr_cli.networks.cost import macs_per_pixel, parameter_count
from ahdr_cli.networks.families import build_network, stride
from ahdr_cli.networks.fast import FastConfig, FastNet

TINY = FastConfig(features=8, shallow=4, detail=10, dilations=(1, 2))


def random_input(height: int, width: int, *, batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, 3, 6, height, width, generator=torch.Generator().manual_seed(0))


def tiny(config: FastConfig = TINY) -> FastNet:
    torch.manual_seed(0)
    return FastNet(config)


def test_it_is_small():
    net = FastNet()
    assert macs_per_pixel(net) == 63_728  # of the 80,000 that a fast model may have
    assert parameter_count(net) == 611_722
    assert stride(net) == 4


def test_macs_agree_with_torchs_own_count():
    for config in (FastConfig(), TINY):
        with torch.device("meta"):
            net = FastNet(config)
            frames = torch.empty(1, 3, 6, 16, 24)
        with FlopCounterMode(display=False) as counter:
            net(frames)
        assert counter.get_total_flops() // (2 * 16 * 24) == macs_per_pixel(net)


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (4, 4), (16, 16), (19, 33)])
def test_any_size_goes_through_unchanged(size):
    output = tiny()(random_input(*size, batch=2))
    assert output.shape == (2, 3, *size)
    assert output.min() >= 0
    assert output.max() <= 1


def test_items_of_a_batch_do_not_mix():
    net, frames = tiny(), random_input(12, 12, batch=3)
    each = torch.cat([net(frames[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(net(frames), each)


def test_without_an_output_it_is_the_explicit_merge():
    net, frames = tiny(), random_input(17, 21)
    net.reset_output()
    # The network's own picture, grey so far, has a small weight.
    weight = 2.5e-3
    merged = blend(frames, exposure_logits(frames))
    difference = merged - net(frames)
    bright = frames[:, :, :3].mean(dim=2).amax(dim=1, keepdim=True) > 0.5
    assert difference.abs().max() < 0.05
    assert bright.sum() > 100
    assert (difference.abs() / merged)[bright.expand_as(merged)].max() < 10 * weight


def test_every_parameter_learns():
    net = tiny()
    net(random_input(16, 16)).sum().backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.abs().sum() > 0, key


def test_configuration_round_trip():
    assert FastConfig.from_dict(TINY.to_dict()) == TINY
    assert isinstance(build_network(TINY), FastNet)
    # As JSON has it.
    assert FastConfig.from_dict({"dilations": [1, 3]}).dilations == (1, 3)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"features": 0}, ValueError),
        ({"shallow": 2.5}, ValueError),
        ({"detail": 9}, ValueError),
        ({"dilations": [0]}, ValueError),
        ({"dilations": 3}, ValueError),
        ({"dilations": "12"}, ValueError),
        ({"growth": 2}, TypeError),
    ],
)
def test_wrong_configurations(values, error):
    with pytest.raises(error):
        FastConfig.from_dict(values)
