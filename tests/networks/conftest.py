from __future__ import annotations

from collections.abc import Callable

import pytest
import torch


@pytest.fixture(scope="session")
def random_input() -> Callable[..., torch.Tensor]:
    """Frames (batch, 3, 7, height, width) in [0, 1], always the same."""

    def make(height: int, width: int, *, batch: int = 1) -> torch.Tensor:
        return torch.rand(batch, 3, 7, height, width, generator=torch.Generator().manual_seed(0))

    return make
