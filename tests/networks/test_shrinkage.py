"""What is left of the noise goes, and the scene stays."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ahdr_cli.networks import shrinkage
from ahdr_cli.networks.blend import Blend
from ahdr_cli.networks.constants import MU, SIDE
from ahdr_cli.networks.mu_law import mu_law_compress
from ahdr_cli.networks.shrinkage import shrink_noise
from ahdr_cli.networks.transform import block_frequencies

LIGHT = 0.05
AWAY = SIDE - 1  # from the border, where fewer blocks take noise away


def picture(light: torch.Tensor, deviation: float, *, seed: int = 0) -> tuple[Blend, torch.Tensor]:
    """A mean with noise of that deviation after the μ-law, and the same without."""
    slope = 1.0 / ((light.mean(dim=1, keepdim=True) + 1.0 / MU) * math.log1p(MU))
    linear = deviation / slope
    noise = torch.randn(light.shape, generator=torch.Generator().manual_seed(seed))
    return Blend(radiance=light + linear * noise, variance=linear.square()), mu_law_compress(light)


def error(found: torch.Tensor, truth: torch.Tensor) -> float:
    inside = (..., slice(AWAY, -AWAY), slice(AWAY, -AWAY))
    return (found - truth)[inside].square().mean().sqrt().item()


@pytest.mark.parametrize("deviation", [0.0005, 0.003, 0.01])
def test_noise_goes(deviation):
    merged, truth = picture(torch.full((1, 3, 64, 64), LIGHT), deviation)
    mapped = mu_law_compress(merged.radiance)
    before, after = (error(x, truth) for x in (mapped, shrink_noise(mapped, merged)))
    assert before == pytest.approx(deviation, rel=0.05)
    # Of nine coefficients of a block one stays, and neighbouring blocks are averaged.
    assert after < 0.35 * before


def test_an_edge_stays():
    light = torch.full((1, 3, 64, 64), LIGHT)
    light[..., 32:] = 2 * LIGHT
    merged, truth = picture(light, 0.003)
    mapped = mu_law_compress(merged.radiance)
    shrunk = shrink_noise(mapped, merged)
    assert error(shrunk, truth) < 0.6 * error(mapped, truth)
    step = shrunk[..., 32].mean() - shrunk[..., 31].mean()
    expected = truth[..., 32].mean() - truth[..., 31].mean()
    assert step.item() == pytest.approx(expected.item(), rel=0.02)


def test_texture_well_above_the_noise_stays():
    generator = torch.Generator().manual_seed(3)
    grey = LIGHT * 4 ** torch.rand(1, 1, 64, 64, generator=generator)
    merged, truth = picture(grey.expand(1, 3, 64, 64), 1e-4)
    mapped = mu_law_compress(merged.radiance)
    assert error(shrink_noise(mapped, merged), truth) < error(mapped, truth)


@settings(deadline=None, max_examples=20)
@given(
    light=st.floats(0.0, 1.0),
    variance=st.sampled_from([0.0, 1e-12, 1e-6, 1e-2]),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_one_colour_stays_exactly(light, variance, size):
    """Borders included, which are no edges."""
    radiance = torch.full((1, 3, *size), light)
    merged = Blend(radiance=radiance, variance=torch.full((1, 1, *size), variance))
    mapped = mu_law_compress(radiance)
    torch.testing.assert_close(shrink_noise(mapped, merged), mapped, rtol=0, atol=2e-6)


def test_without_noise_nothing_changes():
    radiance = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    merged = Blend(radiance=radiance, variance=torch.zeros(1, 1, 16, 16))
    mapped = mu_law_compress(radiance)
    torch.testing.assert_close(shrink_noise(mapped, merged), mapped, rtol=0, atol=1e-6)


def test_only_where_there_is_noise():
    merged, _ = picture(torch.full((1, 3, 32, 64), LIGHT), 0.003)
    merged.variance[..., 32:] = 0.0
    mapped = mu_law_compress(merged.radiance)
    changed = (shrink_noise(mapped, merged) - mapped).abs()
    assert changed[..., :30].mean() > 1e-3
    assert changed[..., 34:].max() < 1e-6


def test_the_same_patterns_as_in_numpy():
    for dtype in (torch.float32, torch.float64):
        found = shrinkage._block_frequencies(torch.zeros(1, dtype=dtype))
        np.testing.assert_allclose(found.numpy(), block_frequencies(SIDE), atol=2e-7)


def test_gradients_are_finite_without_noise_or_light():
    radiance = torch.zeros(1, 3, 8, 8, requires_grad=True)
    variance = torch.zeros(1, 1, 8, 8, requires_grad=True)
    shrink_noise(mu_law_compress(radiance), Blend(radiance, variance)).sum().backward()
    assert torch.isfinite(radiance.grad).all()
    assert torch.isfinite(variance.grad).all()
