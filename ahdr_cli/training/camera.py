"""What a camera does to a linear signal: exposure, noise, tone curve, coding."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from ahdr_cli.radiometry.transfer import GAMMA
from ahdr_cli.training.jpeg import simulate_jpeg

__all__ = ["add_noise", "apply_response", "encode"]


def add_noise(
    signal: Tensor, *, shot: Tensor, read: Tensor, grain: Tensor, noise: Tensor
) -> Tensor:
    """Shot and read noise of variance a·x + b.

    Args:
        signal: (N, 3, 3, H, W) linear, 1.0 = white of each frame; may exceed 1.
        shot: (N,) a, in units of white.
        read: (N,) √b.
        grain: (N,) in [0, 1]: share of the variance that is shared with the neighbours, as
            demosaicing leaves it.
        noise: standard normal, like `signal`.
    """
    wide = (-1, 1, 1, 1, 1)
    smooth = functional.avg_pool2d(noise.flatten(0, 1), 3, 1, 1).view_as(noise) * 3.0
    share = grain.view(wide)
    # The two parts correlate (1/3 at the centre); divide that out to keep the variance.
    mixed = (1.0 - share).sqrt() * noise + share.sqrt() * smooth
    mixed = mixed / (1.0 + (2.0 / 3.0) * (share * (1.0 - share)).sqrt()).sqrt()
    variance = shot.view(wide) * signal.clamp(0.0, 1.0) + (read * read).view(wide)
    return signal + variance.sqrt() * mixed


def apply_response(signal: Tensor, coefficients: Tensor) -> Tensor:
    """Encode linear [0, 1] with a smooth monotonic curve around γ 2.2.

    The deviation from e = x^(1/2.2) is a sum of c₀ sin πe, c₁ sin 2πe and 4 c₂ e (1 − e)⁴ (a
    toe): black and white stay where they are, and the curve is monotonic for |c| ≤ 0.08.

    Args:
        signal: (N, 3, 3, H, W) linear in [0, 1].
        coefficients: (N, 3), one curve for the whole bracket.
    """
    encoded = signal.pow(1.0 / GAMMA)
    bend, skew, toe = (coefficients[:, i].clamp(-0.08, 0.08).view(-1, 1, 1, 1, 1) for i in range(3))
    angle = math.pi * encoded
    wave = torch.sin(angle) * (bend + 2.0 * skew * torch.cos(angle))
    fall = 1.0 - encoded
    return (encoded + wave + 4.0 * toe * encoded * fall.square().square()).clamp(0.0, 1.0)


def encode(
    frames: Tensor,
    *,
    coding: Tensor,
    jpeg_rows: Tensor,
    quality: Tensor,
    subsample: Tensor,
    grid: Tensor,
) -> Tensor:
    """Quantise to 16 bits, 8 bits or JPEG.

    Args:
        frames: (N, 3, 3, H, W) display-encoded in [0, 1].
        coding: (N,) 0: 16 bit, 1: 8 bit, 2: JPEG.
        jpeg_rows: (J,) the rows whose coding is 2.
        quality: (J,) of those rows; like the next two, see `simulate_jpeg`.
        subsample: (J,).
        grid: (J, 2).
    """
    steps = torch.where(coding == 0, 65535.0, 255.0).view(-1, 1, 1, 1, 1)
    coded = torch.round(frames * steps) / steps
    if len(jpeg_rows):
        compressed = simulate_jpeg(
            coded.index_select(0, jpeg_rows).flatten(0, 1),
            quality=quality.repeat_interleave(3),
            subsample=subsample.repeat_interleave(3),
            grid=grid.repeat_interleave(3, 0),
        )
        coded.index_copy_(0, jpeg_rows, compressed.view(-1, *coded.shape[1:]))
    return coded
