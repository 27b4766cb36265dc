"""PU21: PSNR and SSIM on perceptually uniform values.

R. K. Mantiuk, M. Azimi: "PU21: A novel perceptually uniform encoding for adapting existing quality
metrics for HDR", Picture Coding Symposium, 2021; parameters of its "banding + glare" fit, which the
authors recommend. As they do, PSNR is taken over the encoded R, G and B and SSIM over the encoded
luminance, both with a peak of 256: about the value of 100 cd/m², so that figures for a standard
screen resemble those of 8-bit images.
"""

from __future__ import annotations

import numpy as np

from ahdr_cli.metrics.display import Display
from ahdr_cli.metrics.pair import Float64Array, RealArray, as_pair
from ahdr_cli.metrics.psnr import psnr
from ahdr_cli.metrics.ssim import ssim
from ahdr_cli.radiometry.luminance import luminance

__all__ = ["PU21_RANGE", "pu21_encode", "pu21_psnr", "pu21_ssim"]

PU21_RANGE = (0.005, 10000.0)
"""cd/m² that the encoding is defined for."""

PEAK = 256.0

# p1 … p7 of the paper, fit "banding + glare".
_P1 = 0.353487901
_P2 = 0.3734658629
_P3 = 8.277049286e-05
_P4 = 0.9062562627
_P5 = 0.09150303166
_P6 = 0.9099517204
_P7 = 596.3148142


def pu21_encode(light: Float64Array) -> Float64Array:
    """V = p7 (((p1 + p2 L^p4) / (1 + p3 L^p4))^p5 - p6).

    Args:
        light: cd/m², any shape; clipped to PU21_RANGE.

    Returns:
        0 … 595.4, about 256 for 100 cd/m².
    """
    power = np.clip(light, *PU21_RANGE) ** _P4
    encoded: Float64Array = _P7 * (((_P1 + _P2 * power) / (1.0 + _P3 * power)) ** _P5 - _P6)
    return encoded


def pu21_psnr(test: RealArray, reference: RealArray, *, display: Display) -> float:
    """PU21-PSNR in dB of images as `display` shows them.

    Args:
        test: (H, W, 3) linear radiance; 1.0 becomes the display's peak.
        reference: same shape.
        display: the screen.

    Raises:
        InputError: if the images differ in shape or are not finite.
    """
    left, right = as_pair(test, reference)
    return psnr(pu21_encode(display.emitted(left)), pu21_encode(display.emitted(right)), peak=PEAK)


def pu21_ssim(test: RealArray, reference: RealArray, *, display: Display) -> float:
    """PU21-SSIM, of the luminance of images as `display` shows them.

    Args:
        test: (H, W, 3) linear radiance; 1.0 becomes the display's peak.
        reference: same shape.
        display: the screen.

    Raises:
        InputError: if the images differ in shape, are not finite or smaller than 11 pixels.
    """
    left, right = as_pair(test, reference)
    return ssim(
        pu21_encode(luminance(display.emitted(left))),
        pu21_encode(luminance(display.emitted(right))),
        data_range=PEAK,
    )
