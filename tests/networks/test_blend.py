"""The weighted mean of the candidates."""

from __future__ import annotations

import pytest
import torch

from ahdr_cli.networks.blend import blend
from ahdr_cli.networks.input import RADIANCE

VARIANCE = torch.tensor([4e-4, 1e-4, 2.5e-5]).view(1, 3, 1, 1)


@pytest.fixture
def frames():
    return torch.rand(2, 3, 7, 4, 5, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def own():
    return torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(2))


def test_a_large_logit_selects_its_candidate(frames, own):
    candidates = [*frames[:, :, RADIANCE].unbind(dim=1), own]
    for chosen, candidate in enumerate(candidates):
        logits = torch.zeros(2, 4, 4, 5)
        logits[:, chosen] = 100.0
        merged = blend(frames[:, :, RADIANCE], logits, VARIANCE.expand(2, 3, 4, 5), own)
        torch.testing.assert_close(merged.radiance, candidate)
        expected = 0.0 if chosen == 3 else VARIANCE[0, chosen].item()
        torch.testing.assert_close(merged.variance, torch.full((2, 1, 4, 5), expected))


def test_the_variance_is_that_of_the_mean():
    generator = torch.Generator().manual_seed(0)
    frames = torch.zeros(1, 3, 7, 200, 200)
    deviation = VARIANCE.sqrt()[:, :, None]
    noise = torch.randn(1, 3, 3, 200, 200, generator=generator)
    frames[:, :, RADIANCE] = 0.5 + deviation * noise
    logits = torch.tensor([0.0, 1.0, 1.5]).view(1, 3, 1, 1).expand(1, 3, 200, 200)
    merged = blend(frames[:, :, RADIANCE], logits, VARIANCE.expand(1, 3, 200, 200))
    found = merged.radiance.var().item()
    assert merged.variance.mean().item() == pytest.approx(found, rel=0.02)


def test_as_many_logits_as_candidates(frames):
    with pytest.raises(ValueError, match=r"argument 2 is shorter"):
        blend(frames[:, :, RADIANCE], torch.zeros(2, 4, 4, 5), VARIANCE.expand(2, 3, 4, 5))
