"""In torch the same noise is found as a merge finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ahdr_cli.bracket.blocks import compare_blocks
from ahdr_cli.bracket.noise import estimate_noise
from ahdr_cli.networks.input import VARIANCE, to_network_input
from ahdr_cli.networks.noise import batch_noise, with_variance
from ahdr_cli.radiometry.noise import LIKELY
from ahdr_cli.training.batch import Batch, network_frames


@pytest.fixture
def batch():
    """Four brackets of 52 by 44 pixels: more and more noise, then black ones."""
    generator = torch.Generator().manual_seed(0)
    light = 0.01 + 0.04 * torch.rand(4, 1, 3, 52, 44, generator=generator)
    ratios = torch.tensor([[1.0, 4.0, 16.0], [1.0, 2.0, 8.0], [1.0, 4.0, 16.0], [1.0, 4.0, 16.0]])
    light = light * ratios[:, :, None, None, None]
    noise = torch.tensor([1e-5, 1e-4, 1e-3, 0.0]).view(4, 1, 1, 1, 1)
    light = light + (noise * light).sqrt() * torch.randn(light.shape, generator=generator)
    light[3] = 0.0
    target = torch.zeros(4, 3, 52, 44)
    return Batch(ldr=light.clamp(0.0, 1.0).pow(1 / 2.2), ratios=ratios, target=target)


def test_the_same_as_a_merge_finds(batch):
    found = batch_noise(batch.ldr, batch.ratios)
    for sample, frames, ratios in zip(found, batch.ldr, batch.ratios, strict=True):
        pixels = [frame.permute(1, 2, 0).numpy() for frame in frames]
        expected = estimate_noise(compare_blocks(pixels, ratios.numpy().astype(np.float64)))
        assert sample.item() == pytest.approx(expected, rel=1e-4)
    assert found[0] < found[1] < found[2]
    assert found[3].item() == pytest.approx(LIKELY)


def test_patches_smaller_than_a_block_do_not_tell(batch):
    found = batch_noise(batch.ldr[..., :7, :7], batch.ratios)
    torch.testing.assert_close(found, torch.full((4,), LIKELY))


def test_the_network_sees_it(batch):
    frames = network_frames(batch)
    louder = frames[2, :, VARIANCE].mean() / frames[0, :, VARIANCE].mean()
    assert louder > 50


def test_what_is_not_given_is_estimated(batch):
    given = network_frames(batch)
    plain = to_network_input(batch.ldr, batch.ratios)
    assert plain.shape == (4, 3, 6, 52, 44)
    found = with_variance(plain)
    lit = slice(0, 3)  # of black frames nobody knows the exposure
    torch.testing.assert_close(found[lit], given[lit], rtol=1e-4, atol=1e-12)
    assert torch.isfinite(found).all()
    assert with_variance(given) is given
