"""The steerable pyramid (Simoncelli & Freeman, ICIP 1995) with four orientations.

A pyramid is a list of bands, fine to coarse: the high-pass residual (1, H, W), the oriented levels
(4, h, w), each half as large as the one before (rounded up), and the base band (1, h, w). All
borders mirror without repeating the edge sample.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["MINIMUM_SIDE", "band_frequencies", "build", "correlate", "expand", "reconstruct"]

MINIMUM_SIDE = 15
"""Smallest image side in pixels: the size of the largest filter that meets the image itself."""

_COARSEST = 17  # pixels; both sides of an image that is split once more reach the low-pass filter


class Filters(NamedTuple):
    """Kernels of odd size with the origin in the centre; (K, k, k) float64."""

    high_residual: Tensor
    low_residual: Tensor
    low: Tensor
    oriented: Tensor


@lru_cache(maxsize=1)
def _filters() -> Filters:
    text = resources.files("ahdr_cli.metrics").joinpath("data/sp3_filters.json").read_text("utf-8")
    table = json.loads(text)

    def load(*names: str) -> Tensor:
        return torch.tensor([table[name] for name in names], dtype=torch.float64)

    return Filters(
        high_residual=load("high_residual"),
        low_residual=load("low_residual"),
        low=load("low"),
        oriented=load("band1", "band2", "band3", "band4"),
    )


def levels(height: int, width: int) -> int:
    """How many oriented levels an image has; sizes are counted rounded down."""
    count = 0
    while min(height, width) >= _COARSEST:
        count += 1
        height, width = height // 2, width // 2
    return count


def band_frequencies(bands: int, pixels_per_degree: float) -> list[float]:
    """Centre of each band in cycles per degree: the high-pass residual sits at Nyquist."""
    return [pixels_per_degree / 2.0 / 2.0**band for band in range(bands)]


def build(image: Tensor) -> list[Tensor]:
    """Split an image (H, W), H and W ≥ 15, into its bands."""
    filters = _filters()
    current = image[None]
    bands = [correlate(current, filters.high_residual)]
    current = correlate(current, filters.low_residual)
    for _ in range(levels(*image.shape)):
        bands.append(correlate(current, filters.oriented))
        current = correlate(current, filters.low)[:, ::2, ::2]
    return [*bands, current]


def reconstruct(bands: list[Tensor]) -> Tensor:
    """Put an image (H, W) back together from its bands."""
    filters = _filters()
    high, *oriented, base = bands
    current = base
    for level in reversed(oriented):
        shape = (level.shape[-2], level.shape[-1])
        current = expand(current, filters.low, step=2, shape=shape) + expand(
            level, filters.oriented, step=1, shape=shape
        ).sum(dim=0, keepdim=True)
    shape = (high.shape[-2], high.shape[-1])
    current = expand(current, filters.low_residual, step=1, shape=shape) + expand(
        high, filters.high_residual, step=1, shape=shape
    )
    return current[0]


def correlate(images: Tensor, kernels: Tensor) -> Tensor:
    """Correlate image n with kernel n, mirroring at the borders.

    Args:
        images: (N, H, W) float64; N or K may be 1 and broadcasts.
        kernels: (K, k, k) with k odd and (k - 1) / 2 less than H and W.

    Returns:
        (max(N, K), H, W).
    """
    height, width = images.shape[-2:]
    radius = kernels.shape[-1] // 2
    padded = functional.pad(images[None], (radius,) * 4, mode="reflect")[0]
    # One forward transform serves all kernels. The wrapped part lies in the padding.
    size = (_fast_length(height + 2 * radius), _fast_length(width + 2 * radius))
    spectrum = torch.fft.rfft2(padded, s=size)
    transfer = torch.fft.rfft2(kernels.to(images), s=size).conj()
    correlated: Tensor = torch.fft.irfft2(spectrum * transfer, s=size)
    return correlated[:, :height, :width]


def expand(bands: Tensor, kernels: Tensor, *, step: int, shape: tuple[int, int]) -> Tensor:
    """Spread samples over every `step`-th row and column and convolve band n with kernel n.

    Args:
        bands: (N, h, w) float64.
        kernels: (N, k, k).
        step: 1 or 2.
        shape: height and width of the result; h = ceil(height / step), w likewise.

    Returns:
        (N, height, width). Not rescaled: the kernels have the gain.
    """
    if step == 1:
        spread = bands
    else:
        spread = bands.new_zeros((bands.shape[0], *shape))
        spread[:, ::step, ::step] = bands
    return correlate(spread, kernels.flip(-2, -1))


@lru_cache(maxsize=256)
def _fast_length(minimum: int) -> int:
    """The least length ≥ `minimum` whose only prime factors are 2, 3 and 5."""
    length = minimum
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1
