"""The noise of brackets in torch, for training and for whoever calls a network directly.

The same as :func:`ahdr_cli.bracket.noise.estimate_noise`, for batches and on any device; the
tests compare the two. A simulated camera's own number would be exact, but no photograph tells
it: what JPEG leaves, what is hidden in texture and what the curve adds belong to the task.
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
    told, light = (x.flatten(2).sum(dim=2) for x in (ldr.pow(GAMMA), radiance))
    ratios = torch.where(light > 0, told / light.clamp(min=1e-12), 1.0)
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
    pairs = [_pair_noise(ldr[:, i : i + 2], ratios[:, i : i + 2]) for i in range(2)]
    least = torch.minimum(*pairs)
    return torch.where(least.isfinite(), least.clamp(min=QUIETEST), LIKELY)


def _pair_noise(ldr: Tensor, ratios: Tensor) -> Tensor:
    """The same from a darker and a brighter frame, (N, 2, 3, H, W); inf if they do not tell."""
    count, _, _, height, width = ldr.shape
    ldr = ldr[..., : height // BLOCK * BLOCK, : width // BLOCK * BLOCK]
    if not ldr.numel():
        return torch.full((count,), torch.inf, device=ldr.device)
    ratios = ratios.view(count, 2, 1, 1, 1)
    radiance = ldr.pow(GAMMA) / ratios
    difference = radiance[:, 1] - radiance[:, 0]
    mean = F.avg_pool2d(difference, BLOCK)
    spread = difference - mean.repeat_interleave(BLOCK, -1).repeat_interleave(BLOCK, -2)
    variance = F.avg_pool2d(spread.square(), BLOCK).mean(dim=1) * (BLOCK**2 / (BLOCK**2 - 1))
    light = F.avg_pool2d(radiance.mean(dim=2), BLOCK)
    ratios = ratios[..., 0]
    expected = ((light + READ / ratios) / ratios).sum(dim=1)

    dark = F.avg_pool2d(ldr[:, 0], BLOCK).mean(dim=1)
    brightest = F.max_pool2d(ldr[:, 1], BLOCK).amax(dim=1)
    exposed = (dark > EXPOSED[0]) & (brightest < EXPOSED[1])
    found = torch.where(exposed, variance / expected, torch.inf).flatten(1).sort(dim=1).values
    blocks = exposed.flatten(1).sum(dim=1)
    place = ((blocks - 1).clamp(min=0) * QUANTILE).long()
    noise = found.gather(1, place[:, None])[:, 0] * BIAS
    return torch.where(blocks >= FEWEST, noise, torch.inf)
