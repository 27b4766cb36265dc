"""The noise of brackets in torch, for training and for whoever calls a network directly.

The same as :func:`ahdr_cli.bracket.noise.estimate_noise`, for batches and on any device; the
tests compare the two. Training uses this estimate although a simulated camera's noise is known
exactly, because for photographs there is only the estimate, with the errors that JPEG, texture and
the camera's curve make in it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ahdr_cli.networks.input import LDR, RADIANCE, VARIANCE, variance_of
from ahdr_cli.radiometry.noise import (
    BIAS,
    BLOCK,
    EXPOSED,
    FEWEST,
    GRAIN_BIAS,
    HIDDEN,
    LIKELY,
    QUANTILE,
    QUIETEST,
    READ,
)
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["batch_noise", "with_variance"]


def with_variance(frames: Tensor) -> Tensor:
    """Frames with the channel `VARIANCE`, which is estimated if it is missing.

    Args:
        frames: (N, 3, 6 or 7, H, W), see :func:`ahdr_cli.networks.input.to_network_input`.

    Returns:
        (N, 3, 7, H, W).
    """
    if frames.shape[2] > VARIANCE:
        return frames
    ldr, radiance = frames[:, :, LDR], frames[:, :, RADIANCE]
    # The radiance was made by dividing the light by the ratios.
    light, divided = (x.flatten(2).sum(dim=2) for x in (ldr.pow(GAMMA), radiance))
    ratios = torch.where(divided > 0, light / divided.clamp(min=1e-12), 1.0)
    variance = variance_of(radiance, ratios, batch_noise(ldr, ratios))
    return torch.cat((frames, variance), dim=2)


@torch.no_grad()
def batch_noise(ldr: Tensor, ratios: Tensor) -> Tensor:
    """Variance of a frame's light per unit of light, in units of its white, of every sample.

    Args:
        ldr: (N, 3, 3, H, W) frames in [0, 1].
        ratios: (N, 3).

    Returns:
        (N,) float32.
    """
    height, width = ldr.shape[-2:]
    ldr = ldr[..., : height // BLOCK * BLOCK, : width // BLOCK * BLOCK]
    if not ldr.numel():
        return torch.full((len(ldr),), LIKELY, device=ldr.device)
    pairs = [_pair_noise(ldr[:, i : i + 2], ratios[:, i : i + 2]) for i in range(2)]
    least = torch.minimum(*pairs)
    between = torch.where(least.isfinite(), least.clamp(min=QUIETEST), LIKELY)
    grain = torch.maximum(_grain(ldr[:, 1]), HIDDEN * between)
    return torch.minimum(between, grain).clamp(min=QUIETEST)


def _pair_noise(ldr: Tensor, ratios: Tensor) -> Tensor:
    """The same from a darker and a brighter frame, (N, 2, 3, H, W); inf if too few blocks count."""
    ratios = ratios.view(len(ratios), 2, 1, 1, 1)
    radiance = ldr.pow(GAMMA) / ratios
    difference = radiance[:, 1] - radiance[:, 0]
    mean = F.avg_pool2d(difference, BLOCK)
    spread = difference - mean.repeat_interleave(BLOCK, -1).repeat_interleave(BLOCK, -2)
    variance = F.avg_pool2d(spread.square(), BLOCK).mean(dim=1) * (BLOCK**2 / (BLOCK**2 - 1))
    light = F.avg_pool2d(radiance.mean(dim=2), BLOCK)
    ratios = ratios[..., 0]
    expected = ((light + READ / ratios) / ratios).sum(dim=1)

    exposed = _exposed(ldr[:, 0], ldr[:, 1])
    return _quantile_noise(torch.where(exposed, variance / expected, torch.inf), bias=BIAS)


def _grain(ldr: Tensor) -> Tensor:
    """The same from differences of a frame's own pixels, (N, 3, H, W)."""
    light = ldr.pow(GAMMA)
    rows = light[..., ::2, :] - light[..., 1::2, :]
    twist = 0.5 * (rows[..., ::2] - rows[..., 1::2])
    variance = F.avg_pool2d(twist.square(), BLOCK // 2).mean(dim=1)
    noise = variance / (F.avg_pool2d(light, BLOCK).mean(dim=1) + READ)
    return _quantile_noise(torch.where(_exposed(ldr, ldr), noise, torch.inf), bias=GRAIN_BIAS)


def _exposed(dark: Tensor, bright: Tensor) -> Tensor:
    """Which blocks of (N, 3, H, W) frames lie between `EXPOSED`."""
    mean = F.avg_pool2d(dark, BLOCK).mean(dim=1)
    highest = F.max_pool2d(bright, BLOCK).amax(dim=1)
    return (mean > EXPOSED[0]) & (highest < EXPOSED[1])


def _quantile_noise(noise: Tensor, *, bias: float) -> Tensor:
    """(N, h, w) estimates, infinite where a block does not count, → (N,), as in `bracket.noise`."""
    found = noise.flatten(1).sort(dim=1).values
    blocks = found.isfinite().sum(dim=1)
    index = ((blocks - 1).clamp(min=0) * QUANTILE).long()
    noise = found.gather(1, index[:, None])[:, 0] * bias
    return torch.where(blocks >= FEWEST, noise, torch.inf)
