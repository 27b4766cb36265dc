from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.networks.input import LDR, RADIANCE, VARIANCE, to_network_input
from ahdr_cli.radiometry.noise import READ

RATIOS = torch.tensor([[1.0, 4.0, 16.0], [1.0, 2.0, 8.0]])
NOISE = torch.tensor([1e-4, 1e-3])


def random_ldr(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.rand(2, 3, 3, 5, 7, generator=torch.Generator().manual_seed(0)).to(dtype)


def test_ldr_comes_first_then_radiance_then_variance():
    ldr = random_ldr()
    stacked = to_network_input(ldr, RATIOS, NOISE)
    assert stacked.shape == (2, 3, 7, 5, 7)
    assert torch.equal(stacked[:, :, LDR], ldr)
    for item in range(2):
        for frame in range(3):
            ratio = RATIOS[item, frame]
            radiance = ldr[item, frame] ** 2.2 / ratio
            torch.testing.assert_close(stacked[item, frame, RADIANCE], radiance)
            light = radiance.mean(dim=0)
            variance = NOISE[item] * (light / ratio + READ / ratio**2)
            torch.testing.assert_close(stacked[item, frame, VARIANCE], variance)


@pytest.mark.parametrize("frame", [0, 1, 2])
def test_the_variance_is_that_of_photographs(frame):
    generator = torch.Generator().manual_seed(0)
    light = 0.02 * RATIOS[:1, frame]
    noise = torch.randn(100_000, generator=generator) * (1e-4 * (light + READ)).sqrt()
    ldr = torch.full((1, 3, 3, 1, 100_000), 0.5)
    ldr[0, frame] = (light + noise).pow(1 / 2.2)
    stacked = to_network_input(ldr, RATIOS[:1], torch.tensor([1e-4]))[0, frame]
    torch.testing.assert_close(stacked[3].var(), stacked[VARIANCE].mean(), rtol=0.02, atol=0)


@given(
    st.floats(min_value=1e-3, max_value=0.05),
    st.tuples(st.floats(1.0, 4.0), st.floats(1.0, 4.0)),
)
def test_equal_radiance_has_equal_value_in_every_frame(radiance, steps):
    ratios = torch.tensor([[1.0, steps[0], steps[0] * steps[1]]], dtype=torch.float64)
    ldr = (radiance * ratios).pow(1 / 2.2)[:, :, None, None, None].expand(1, 3, 3, 2, 2)
    estimate = to_network_input(ldr, ratios, NOISE[:1])[:, :, RADIANCE]
    torch.testing.assert_close(estimate, torch.full_like(estimate, radiance))


def test_white_of_a_frame_is_worth_one_over_its_ratio():
    stacked = to_network_input(torch.ones(2, 3, 3, 1, 1), RATIOS, NOISE)
    torch.testing.assert_close(stacked[:, :, 3, 0, 0], 1 / RATIOS)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_type_is_kept(dtype):
    stacked = to_network_input(random_ldr(dtype), RATIOS.double(), NOISE)
    assert stacked.dtype == dtype
    assert torch.isfinite(stacked).all()


@pytest.mark.parametrize(
    ("shape", "ratios", "noise"),
    [
        ((3, 3, 5, 7), (1, 3), (1,)),
        ((1, 2, 3, 5, 7), (1, 2), (1,)),
        ((1, 3, 4, 5, 7), (1, 3), (1,)),
        ((2, 3, 3, 5, 7), (1, 3), (2,)),
        ((1, 3, 3, 5, 7), (3,), (1,)),
        ((1, 3, 3, 5, 7), (1, 3), (3,)),
        ((1, 3, 3, 5, 7), (1, 3), ()),
    ],
)
def test_wrong_shapes(shape, ratios, noise):
    with pytest.raises(ValueError, match="must be"):
        to_network_input(torch.zeros(shape), torch.ones(ratios), torch.ones(noise))


def test_without_noise_it_is_the_papers_input():
    ldr = random_ldr()
    stacked = to_network_input(ldr, RATIOS)
    assert torch.equal(stacked, to_network_input(ldr, RATIOS, NOISE)[:, :, :VARIANCE])
