"""Peak signal-to-noise ratio, linear (PSNR-L) and after the μ-law (PSNR-μ).

As in Kalantari & Ramamoorthi (2017) and Yan et al. (2019): on whole images without cropping the
border or renormalising, radiance in units of the shortest frame's white, peak 1, one mean
squared error over all pixels and channels. A data set's figure is the mean over its images.
"""

from __future__ import annotations

import math

import numpy as np

from ahdr_cli.metrics.pair import Float64Array, RealArray, as_pair
from ahdr_cli.radiometry.transfer import mu_law_compress

__all__ = ["compress", "psnr", "psnr_mu"]


def psnr(test: RealArray, reference: RealArray, *, peak: float = 1.0) -> float:
    """10 · log10(peak² / MSE) in dB; on linear radiance with peak 1 this is PSNR-L.

    Args:
        test: (H, W, C) or (H, W), finite.
        reference: same shape.
        peak: the signal's peak value, > 0.

    Returns:
        Decibels; infinite for identical images.

    Raises:
        InputError: if the images differ in shape or are not finite.
    """
    left, right = as_pair(test, reference)
    error = float(np.mean(np.square(left - right)))
    return math.inf if error == 0.0 else 10.0 * math.log10(peak**2 / error)


def psnr_mu(test: RealArray, reference: RealArray) -> float:
    """PSNR-μ: PSNR of μ-law compressed radiance, μ = 5000, peak 1.

    Args:
        test: (H, W, 3) linear radiance in units of the shortest frame's white. Values above 1 are
            kept, negative ones count as 0, where the μ-law ends.
        reference: same shape, in [0, 1].

    Raises:
        InputError: if the images differ in shape or are not finite.
    """
    left, right = as_pair(test, reference)
    return psnr(compress(left), compress(right))


def compress(radiance: Float64Array) -> Float64Array:
    """μ-law (μ = 5000) of radiance, negative values taken as 0."""
    return mu_law_compress(np.maximum(radiance, 0.0))
