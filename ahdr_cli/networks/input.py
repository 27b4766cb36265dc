"""From display-encoded frames to what the network sees."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["to_network_input"]


def to_network_input(ldr: Tensor, ratios: Tensor, gamma: float = 2.2) -> Tensor:
    """Stack each frame with its radiance estimate, LDR first.

    The estimate is LDR^γ / ratio (Kalantari & Ramamoorthi 2017, equation 4): all three
    frames in units of the shortest frame's white, so that equal radiance has equal value.

    Args:
        ldr: (N, 3, 3, H, W) frame, RGB; in [0, 1]; short, reference, long.
        ratios: (N, 3) exposure relative to the shortest frame, ≥ 1 and ascending.
        gamma: exponent of the assumed camera curve.

    Returns:
        (N, 3, 6, H, W), same dtype and device as `ldr`.
    """
    if ldr.ndim != 5 or ldr.shape[1:3] != (3, 3):
        raise ValueError(f"ldr must be (N, 3, 3, H, W), got {tuple(ldr.shape)}")
    if ratios.shape != ldr.shape[:2]:
        raise ValueError(f"ratios must be {tuple(ldr.shape[:2])}, got {tuple(ratios.shape)}")
    radiance = ldr.pow(gamma) / ratios.to(ldr)[:, :, None, None, None]
    return torch.cat((ldr, radiance), dim=2)
