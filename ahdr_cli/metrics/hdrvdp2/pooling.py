"""From visible differences to one number and to maps."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ahdr_cli.metrics.hdrvdp2 import pyramid
from ahdr_cli.metrics.hdrvdp2.constants import (
    PSYCHOMETRIC_FACTOR,
    QUALITY_EPSILON,
    QUALITY_WEIGHTS,
)
from ahdr_cli.metrics.hdrvdp2.masking import band_gain, signed_power
from ahdr_cli.metrics.hdrvdp2.resize import resize

__all__ = ["band_error", "quality", "visible_contrast"]


def quality(differences: list[Tensor], changed: Tensor, frequencies: list[float]) -> float:
    """The quality correlate Q of version 2.2.1: 100 - Σ w (log(e + ε) - log ε).

    Args:
        differences: bands (O, h, w) of visible differences, fine to coarse.
        changed: (H, W) 1 where the images differ at all, else 0.
        frequencies: of each band in cycles per degree.

    Returns:
        100 for identical images; below, and without a lower end, for others.
    """
    known, weights = zip(*QUALITY_WEIGHTS, strict=True)
    loss = 0.0
    for band, frequency in zip(differences, frequencies, strict=True):
        weight = float(np.interp(frequency, known, weights))
        for error in band_error(band, changed).tolist():
            loss += weight * (math.log(error + QUALITY_EPSILON) - math.log(QUALITY_EPSILON))
    return 100.0 - loss


def band_error(band: Tensor, changed: Tensor) -> Tensor:
    """Root of the *sum* of squares over the pixels, divided by their number, as published.

    Args:
        band: (O, h, w) visible differences.
        changed: (H, W) mask of differing pixels at the size of the image.

    Returns:
        (O,).
    """
    shape = (band.shape[-2], band.shape[-1])
    masked = band * resize(changed, shape)
    norm: Tensor = torch.linalg.vector_norm(masked, dim=(-2, -1))
    return norm / math.prod(shape)


def visible_contrast(differences: list[Tensor], *, spatial_pooling: bool) -> Tensor:
    """Map S of differences in multiples of the visibility threshold.

    Args:
        differences: bands of signed visible differences.
        spatial_pooling: scale the map by its sum over its maximum: larger areas are easier to see.

    Returns:
        (H, W) ≥ 0. The probability of seeing a difference is 1 - 0.5^S.
    """
    # The original applies the psychometric power here only, not to what `quality` pools.
    perceived = [
        signed_power(difference / band_gain(band), PSYCHOMETRIC_FACTOR) * band_gain(band)
        for band, difference in enumerate(differences)
    ]
    contrast = pyramid.reconstruct(perceived).abs()
    if spatial_pooling:
        contrast = contrast * contrast.sum() / (contrast.max() + 1e-12)
    return contrast
