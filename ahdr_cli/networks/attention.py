"""Spatial attention of one outer frame relative to the reference."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ahdr_cli.networks.constants import LEAKY_SLOPE

__all__ = ["SpatialAttention"]


class SpatialAttention(nn.Module):
    """Which features of an outer frame to trust, per pixel and channel, in (0, 1).

    Low where the frame is misaligned, moved or saturated relative to the reference
    (Yan et al. 2019, section 3.1).
    """

    def __init__(self, *, features: int) -> None:
        super().__init__()
        self.compare = nn.Conv2d(2 * features, 2 * features, kernel_size=3, padding=1)
        self.gate = nn.Conv2d(2 * features, features, kernel_size=3, padding=1)

    def forward(self, outer: Tensor, reference: Tensor) -> Tensor:
        """Two (N, features, H, W) → the mask, same shape, in (0, 1)."""
        compared = self.compare(torch.cat((outer, reference), dim=1))
        return torch.sigmoid(self.gate(F.leaky_relu(compared, LEAKY_SLOPE)))
