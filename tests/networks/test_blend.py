"""The weighted mean of the candidates."""

from __future__ import annotations

import pytest
import torch

from ahdr_cli.networks.blend import blend
from ahdr_cli.networks.input import RADIANCE


def test_a_large_logit_selects_its_candidate():
    frames = torch.rand(2, 3, 7, 4, 5, generator=torch.Generator().manual_seed(1))
    own = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(2))
    candidates = [*frames[:, :, RADIANCE].unbind(dim=1), own]
    for chosen, candidate in enumerate(candidates):
        logits = torch.zeros(2, 4, 4, 5)
        logits[:, chosen] = 100.0
        torch.testing.assert_close(blend(frames, logits, own), candidate)


def test_as_many_logits_as_candidates():
    with pytest.raises(ValueError, match=r"argument 2 is shorter"):
        blend(torch.rand(1, 3, 7, 2, 2), torch.zeros(1, 4, 2, 2))
