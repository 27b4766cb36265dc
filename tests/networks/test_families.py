"""What holds for every network, whatever its family."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ahdr_cli.networks.config import FastConfig
from ahdr_cli.networks.cost import macs_per_pixel
from ahdr_cli.networks.families import AnyNetwork, build_network
from ahdr_cli.networks.variants import MODELS

TINY = {
    name: FastConfig(features=8, shallow=4, detail=10, dilations=(1, 2))
    if isinstance(config, FastConfig)
    else replace(config, features=8, growth=4)
    for name, config in MODELS.items()
}


@pytest.fixture(params=TINY, ids=str)
def network(request) -> AnyNetwork:
    torch.manual_seed(0)
    return build_network(TINY[request.param])


@pytest.mark.parametrize("config", [*MODELS.values(), TINY["fast"]], ids=str)
def test_macs_agree_with_torchs_own_count(config):
    with torch.device("meta"):
        net = build_network(config)
        frames = torch.empty(1, 3, 7, 16, 24)
    with FlopCounterMode(display=False) as counter:
        net(frames)
    assert counter.get_total_flops() // (2 * 16 * 24) == macs_per_pixel(config)


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (4, 4), (16, 16), (19, 33)])
def test_any_size_goes_through_unchanged(network, random_input, size):
    output = network(random_input(*size, batch=2))
    assert output.shape == (2, 3, *size)
    assert output.min() >= 0
    assert output.max() <= 1
    assert output.std() > 0


def test_items_of_a_batch_do_not_mix(network, random_input):
    frames = random_input(12, 12, batch=3)
    each = torch.cat([network(frames[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(network(frames), each)


def test_every_parameter_learns(network, random_input):
    network(random_input(16, 16)).sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.abs().sum() > 0, key


def test_configuration_round_trip(network):
    config = network.config
    assert type(config)(**json.loads(json.dumps(config.to_dict()))) == config
