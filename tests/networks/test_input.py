from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.networks.input import to_network_input

RATIOS = torch.tensor([[1.0, 4.0, 16.0], [1.0, 2.0, 8.0]])


def random_ldr(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.rand(2, 3, 3, 5, 7, generator=torch.Generator().manual_seed(0)).to(dtype)


def test_ldr_comes_first_and_radiance_after_it():
    ldr = random_ldr()
    stacked = to_network_input(ldr, RATIOS)
    assert stacked.shape == (2, 3, 6, 5, 7)
    assert torch.equal(stacked[:, :, :3], ldr)
    for item in range(2):
        for frame in range(3):
            expected = ldr[item, frame] ** 2.2 / RATIOS[item, frame]
            torch.testing.assert_close(stacked[item, frame, 3:], expected)


@given(
    st.floats(min_value=1e-3, max_value=0.05),
    st.tuples(st.floats(1.0, 4.0), st.floats(1.0, 4.0)),
)
def test_equal_radiance_has_equal_value_in_every_frame(radiance, steps):
    ratios = torch.tensor([[1.0, steps[0], steps[0] * steps[1]]], dtype=torch.float64)
    ldr = (radiance * ratios).pow(1 / 2.2)[:, :, None, None, None].expand(1, 3, 3, 2, 2)
    estimate = to_network_input(ldr, ratios)[:, :, 3:]
    torch.testing.assert_close(estimate, torch.full_like(estimate, radiance))


def test_white_of_a_frame_is_worth_one_over_its_ratio():
    stacked = to_network_input(torch.ones(2, 3, 3, 1, 1), RATIOS)
    torch.testing.assert_close(stacked[:, :, 3, 0, 0], 1 / RATIOS)


def test_gamma_is_a_parameter():
    ldr = random_ldr()
    stacked = to_network_input(ldr, torch.ones(2, 3), gamma=1.0)
    torch.testing.assert_close(stacked[:, :, 3:], ldr)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_type_is_kept(dtype):
    stacked = to_network_input(random_ldr(dtype), RATIOS.double())
    assert stacked.dtype == dtype
    assert torch.isfinite(stacked).all()


@pytest.mark.parametrize(
    ("shape", "ratios"),
    [
        ((3, 3, 5, 7), (1, 3)),
        ((1, 2, 3, 5, 7), (1, 2)),
        ((1, 3, 4, 5, 7), (1, 3)),
        ((2, 3, 3, 5, 7), (1, 3)),
        ((1, 3, 3, 5, 7), (3,)),
    ],
)
def test_wrong_shapes(shape, ratios):
    with pytest.raises(ValueError, match="must be"):
        to_network_input(torch.zeros(shape), torch.ones(ratios))
