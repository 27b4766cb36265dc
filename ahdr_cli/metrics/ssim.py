"""Structural similarity, linear (SSIM-L) and after the μ-law (SSIM-μ).

Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli: "Image quality assessment: from error
visibility to structural similarity", IEEE TIP 13(4), 2004: Gaussian window of 11 × 11 and σ = 1.5,
K1 = 0.01, K2 = 0.03, population (co)variances, the mean over all places where the window fits into
the image. A colour image has the mean of its channels' values.
"""

from __future__ import annotations

import numpy as np

from ahdr_cli.errors import InputError
from ahdr_cli.metrics.pair import Float64Array, RealArray, as_pair
from ahdr_cli.metrics.psnr import compress

__all__ = ["ssim", "ssim_mu"]

RADIUS = 5
SIGMA = 1.5
K1 = 0.01
K2 = 0.03


def ssim(test: RealArray, reference: RealArray, *, data_range: float = 1.0) -> float:
    """Mean structural similarity; on linear radiance with data range 1 this is SSIM-L.

    Args:
        test: (H, W, C) or (H, W), finite, at least 11 pixels a side.
        reference: same shape.
        data_range: distance between the smallest and largest possible value, > 0.

    Returns:
        At most 1, for identical images.

    Raises:
        InputError: if the images differ in shape, are not finite or smaller than the window.
    """
    left, right = as_pair(test, reference)
    side = 2 * RADIUS + 1
    if min(left.shape[:2]) < side:
        raise InputError(
            f"SSIM needs at least {side} pixels a side, got {left.shape[1]} x {left.shape[0]}"
        )
    left, right = np.atleast_3d(left), np.atleast_3d(right)
    # Channel by channel: five maps at a time, not fifteen.
    values = [
        _mean_similarity(left[..., channel], right[..., channel], data_range)
        for channel in range(left.shape[2])
    ]
    return float(np.mean(values))


def ssim_mu(test: RealArray, reference: RealArray) -> float:
    """SSIM-μ: SSIM of μ-law compressed radiance, μ = 5000, data range 1.

    Args:
        test: (H, W, 3) linear radiance in units of the shortest frame's white; see `psnr_mu`.
        reference: same shape, in [0, 1].

    Raises:
        InputError: if the images differ in shape, are not finite or smaller than the window.
    """
    left, right = as_pair(test, reference)
    return ssim(compress(left), compress(right))


def _mean_similarity(x: Float64Array, y: Float64Array, data_range: float) -> float:
    c1 = (K1 * data_range) ** 2
    c2 = (K2 * data_range) ** 2
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    variance_x = _window_mean(x * x) - mean_x * mean_x
    variance_y = _window_mean(y * y) - mean_y * mean_y
    covariance = _window_mean(x * y) - mean_x * mean_y
    luminance = (2.0 * mean_x * mean_y + c1) / (mean_x * mean_x + mean_y * mean_y + c1)
    structure = (2.0 * covariance + c2) / (variance_x + variance_y + c2)
    return float(np.mean(luminance * structure))


def _window_mean(image: Float64Array) -> Float64Array:
    """Gaussian mean over every window that fits: (H, W) → (H - 10, W - 10)."""
    offsets = np.arange(-RADIUS, RADIUS + 1)
    weights = np.exp(-0.5 * (offsets / SIGMA) ** 2)
    weights /= weights.sum()
    height, width = image.shape
    down = np.zeros((height - 2 * RADIUS, width))
    for start, weight in enumerate(weights):
        down += weight * image[start : start + down.shape[0]]
    across = np.zeros((down.shape[0], width - 2 * RADIUS))
    for start, weight in enumerate(weights):
        across += weight * down[:, start : start + across.shape[1]]
    return across
