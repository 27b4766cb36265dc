"""From display-encoded frames to the networks' input."""

from __future__ import annotations

import torch
from torch import Tensor

from ahdr_cli.radiometry.noise import READ
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["LDR", "RADIANCE", "VARIANCE", "to_network_input", "variance_of"]

LDR = slice(0, 3)
"""Channels of a frame: display-encoded RGB as it was taken."""

RADIANCE = slice(3, 6)
"""Channels of a frame: its estimate of the radiance."""

VARIANCE = 6
"""Channel of a frame: the variance that noise gives to that estimate."""


def to_network_input(ldr: Tensor, ratios: Tensor, noise: Tensor | None = None) -> Tensor:
    """Stack each frame with its radiance estimate and, if the noise is given, its variance.

    The estimate is LDR^γ / ratio (Kalantari & Ramamoorthi 2017, equation 4): all three
    frames in units of the shortest frame's white, so that equal radiance has equal value.

    Args:
        ldr: (N, 3, 3, H, W) frame, RGB; in [0, 1]; short, reference, long.
        ratios: (N, 3) exposure relative to the shortest frame, ≥ 1 and ascending.
        noise: (N,) of the camera, > 0, see :mod:`ahdr_cli.radiometry.noise`. Without it a network
            that chooses between frames estimates it from what it sees.

    Returns:
        (N, 3, 6, H, W), or 7 channels with the noise: `LDR`, `RADIANCE`, `VARIANCE`; same dtype
        and device as `ldr`.
    """
    if ldr.ndim != 5 or ldr.shape[1:3] != (3, 3):
        raise ValueError(f"ldr must be (N, 3, 3, H, W), got {tuple(ldr.shape)}")
    if ratios.shape != ldr.shape[:2]:
        raise ValueError(f"ratios must be {tuple(ldr.shape[:2])}, got {tuple(ratios.shape)}")
    radiance = ldr.pow(GAMMA) / ratios.to(ldr)[:, :, None, None, None]
    if noise is None:
        return torch.cat((ldr, radiance), dim=2)
    if noise.shape != ldr.shape[:1]:
        raise ValueError(f"noise must be {tuple(ldr.shape[:1])}, got {tuple(noise.shape)}")
    return torch.cat((ldr, radiance, variance_of(radiance, ratios, noise)), dim=2)


def variance_of(radiance: Tensor, ratios: Tensor, noise: Tensor) -> Tensor:
    """The variance of radiance by noise, the mean over its channels.

    ::

        noise · (radiance + READ / ratio) / ratio

    Args:
        radiance: (N, 3, 3, H, W), axis 1 frames, axis 2 RGB.
        ratios: (N, 3).
        noise: (N,).

    Returns:
        (N, 3, 1, H, W).
    """
    ratios = ratios.to(radiance)[:, :, None, None, None]
    light = radiance.mean(dim=2, keepdim=True)
    return noise.to(radiance).view(-1, 1, 1, 1, 1) / ratios * (light + READ / ratios)
