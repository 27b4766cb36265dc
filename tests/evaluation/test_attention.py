from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ahdr_cli.bracket import Bracket
from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.errors import ModelError, UsageError
from ahdr_cli.evaluation.baselines import reference_alone
from ahdr_cli.evaluation.consistency import measure_consistency
from ahdr_cli.inference import attention_maps
from ahdr_cli.inference.attention_maps import (
    has_attention,
    liveliest_channels,
    summarise_attention,
)
from ahdr_cli.io import read_frame
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.input import to_network_input
from ahdr_cli.networks.variants import VARIANTS

TINY = AHDRConfig(features=8, growth=4)


def comparing_net() -> AHDRNet:
    """A network whose attention falls where the red radiance differs from the reference's."""
    net = AHDRNet(TINY).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
        net.encode.weight[0, 3, 1, 1] = 1.0  # feature 0: radiance of the red channel
        for side in (net.attention_short, net.attention_long):
            for channel, sign in ((0, 1.0), (1, -1.0)):
                side.compare.weight[channel, 0, 1, 1] = sign
                side.compare.weight[channel, 8, 1, 1] = -sign
                side.gate.weight[:4, channel, 1, 1] = -400.0
            side.gate.bias.fill_(3.0)
    return net


@pytest.fixture
def random_net() -> AHDRNet:
    torch.manual_seed(0)
    return AHDRNet(TINY).eval()


def test_a_planted_motion_is_where_attention_falls(moving):
    bracket, truth = moving
    summary = summarise_attention(comparing_net(), bracket, channels=[0, 7])
    gate_open = 1 / (1 + np.exp(-3.0))
    y, x = np.mgrid[: truth.shape[0], : truth.shape[1]]
    # The disc is at column 40 in the short frame, at 64 in the reference, at 88 in the long.
    for side, column in ((summary.short_channels[0], 40), (summary.long_channels[0], 88)):
        there = (y - 48) ** 2 + (x - column) ** 2 < 8**2
        far = (x > 64 - 16) & (x < 64 + 16) & ((y < 20) | (y > 76))
        assert side[there].mean() < 0.5
        assert side[far].mean() > 0.75
    assert np.allclose(summary.long_channels[1], gate_open, atol=1e-6)  # an idle channel
    assert summary.short.shape == bracket.size
    assert summary.channels == (0, 7)


def test_tiles_equal_the_whole(random_net, make_static, monkeypatch):
    bracket, _ = make_static((53, 41))
    ldr = torch.from_numpy(np.stack([f.pixels for f in bracket.frames])).permute(0, 3, 1, 2)
    ratios = torch.from_numpy(bracket.ratios).float()
    with torch.no_grad():
        whole = random_net.attention_maps(to_network_input(ldr[None], ratios[None]))
    monkeypatch.setattr(attention_maps, "TILE", 20)
    steps = []
    summary = summarise_attention(
        random_net, bracket, channels=[3], on_tile=lambda *step: steps.append(step)
    )
    assert np.abs(summary.short - whole.short[0].mean(0).numpy()).max() < 1e-6
    assert np.abs(summary.long - whole.long[0].mean(0).numpy()).max() < 1e-6
    assert np.abs(summary.long_channels[0] - whole.long[0, 3].numpy()).max() < 1e-6
    assert steps[-1] == (9, 9)


def test_halo_is_the_reach_of_the_modules(random_net):
    side = random_net.attention_short
    convolutions = (random_net.encode, side.compare, side.gate)
    assert sum(conv.kernel_size[0] // 2 for conv in convolutions) == attention_maps.HALO


def test_liveliest_channels_are_those_that_move(moving):
    assert liveliest_channels(comparing_net(), moving[0], count=4) == (0, 1, 2, 3)


def test_networks_without_attention_say_so(moving):
    plain = AHDRNet(replace(TINY, attention=False))
    assert has_attention(AHDRNet(TINY)) and not has_attention(plain)
    assert not has_attention(nn.Identity())
    for function in (summarise_attention, liveliest_channels):
        with pytest.raises(ModelError, match="no attention"):
            function(plain, moving[0])
    assert {name for name, config in VARIANTS.items() if config.attention} == {
        "ahdrnet",
        "a-rdb-net",
    }


def test_channels_that_do_not_exist(moving: tuple[Bracket, np.ndarray]):
    with pytest.raises(UsageError, match="no channel 8: this network has 8"):
        summarise_attention(AHDRNet(TINY), moving[0], channels=[8])


def test_shipped_weights_suppress_what_moves_in_the_example(repository):
    frames = [read_frame(repository / "examples" / f"{n}.jpg") for n in ("low", "mid", "high")]
    middle = np.s_[120:280, 200:480]
    bracket = Bracket.from_frames([replace(f, pixels=f.pixels[middle]) for f in frames])
    summary = summarise_attention(load_checkpoint("ahdrnet").build(), bracket)
    # Where an outer frame shows something else than the reference, the car drives.
    alone = reference_alone(bracket)
    for index, attention in ((0, summary.short), (2, summary.long)):
        known = np.isfinite(measure_consistency(alone, bracket).error)
        error = np.where(known, measure_consistency(alone, bracket, index=index).error, np.nan)
        moved, still = error > 0.15, error < 0.03
        assert moved.mean() > 0.05
        assert attention[moved].mean() < 0.98 * attention[still].mean()
