"""Isotropic filtering in the frequency domain, in cycles per degree."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["filter_padded", "padded_frequencies"]


def padded_frequencies(
    height: int, width: int, pixels_per_degree: float, *, device: torch.device
) -> Tensor:
    """ρ in cycles per degree of the half spectrum (rfft2) of a 2H × 2W array.

    Returns:
        (2H, W + 1) float64.
    """
    vertical = torch.fft.fftfreq(2 * height, dtype=torch.float64, device=device)
    horizontal = torch.fft.rfftfreq(2 * width, dtype=torch.float64, device=device)
    return torch.hypot(vertical[:, None], horizontal) * pixels_per_degree


def filter_padded(
    image: Tensor,
    response: Callable[[Tensor], Tensor],
    *,
    pixels_per_degree: float,
    pad_value: Tensor,
) -> Tensor:
    """Filter an image that is surrounded by a constant, so that nothing wraps around.

    Args:
        image: (N, H, W) float64.
        response: real transfer function of ρ (cycles per degree, ≥ 0), elementwise.
        pixels_per_degree: of `image`.
        pad_value: (N,) what lies below and to the right of each image.

    Returns:
        (N, H, W).
    """
    count, height, width = image.shape
    padded = pad_value[:, None, None].expand(count, 2 * height, 2 * width).clone()
    padded[:, :height, :width] = image
    spectrum = torch.fft.rfft2(padded)
    spectrum *= response(padded_frequencies(height, width, pixels_per_degree, device=image.device))
    filtered: Tensor = torch.fft.irfft2(spectrum, s=(2 * height, 2 * width))
    return filtered[:, :height, :width].contiguous()
