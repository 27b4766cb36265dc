"""How visible a difference is, band by band, where image content may hide it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ahdr_cli.metrics.hdrvdp2.constants import (
    MASK_P,
    MASK_Q,
    MASK_SELF,
    MASK_XN,
    MASK_XO,
)
from ahdr_cli.metrics.hdrvdp2.contrast import sensitivity_table
from ahdr_cli.metrics.hdrvdp2.resize import resize

__all__ = ["band_differences", "band_gain", "band_thresholds", "mutual_masking", "signed_power"]


def band_thresholds(
    log_adaptation: Tensor, shapes: list[tuple[int, int]], frequencies: list[float]
) -> list[Tensor]:
    """1 / neural sensitivity of every band, as a map.

    Args:
        log_adaptation: (H, W) log10 of the adapting luminance in cd/m², in [-5, 5].
        shapes: height and width of each band, fine to coarse.
        frequencies: of each band in cycles per degree.

    Returns:
        One (h, w) map per band; for the base band, which is filtered already, a scalar 1.
    """
    thresholds = []
    for shape, frequency in zip(shapes[:-1], frequencies[:-1], strict=True):
        table = sensitivity_table(frequency, device=log_adaptation.device)
        thresholds.append(1.0 / table(resize(log_adaptation, shape).clamp(-5.0, 5.0)))
    return [*thresholds, log_adaptation.new_ones(())]


def mutual_masking(test: Tensor, reference: Tensor) -> Tensor:
    """Content that both images share: 3 × 3 mean of the smaller magnitude, zeros outside.

    Args:
        test: (O, h, w) band of the test image.
        reference: (O, h, w) the same of the reference.
    """
    shared = torch.minimum(test.abs(), reference.abs())
    return functional.avg_pool2d(shared[None], kernel_size=3, stride=1, padding=1)[0]


def band_differences(
    test: list[Tensor], reference: list[Tensor], thresholds: list[Tensor], *, masking: bool
) -> list[Tensor]:
    """Differences of two pyramids in units of their visibility, signed.

    Args:
        test: bands of the test image, fine to coarse.
        reference: bands of the reference.
        thresholds: of each band, from :func:`band_thresholds`.
        masking: let image content hide differences.

    Returns:
        Bands shaped like `test`.
    """
    content = [mutual_masking(t, r) for t, r in zip(test, reference, strict=True)]
    differences = []
    for band, threshold in enumerate(thresholds):
        gain = band_gain(band)
        excitation = signed_power((test[band] - reference[band]) / gain, MASK_P) * gain
        if masking:
            hidden = _masking(content, band, threshold)
            differences.append(excitation / torch.sqrt(threshold ** (2.0 * MASK_P) + hidden**2))
        else:
            differences.append(excitation / threshold**MASK_P)
    return differences


def band_gain(band: int) -> float:
    """Amplitude of a band relative to the finest: the filters double it from band to band."""
    return 2.0**band


def signed_power(x: Tensor, exponent: float) -> Tensor:
    """|x|^exponent with the sign of x."""
    return x.sign() * x.abs() ** exponent


def _masking(content: list[Tensor], band: int, threshold: Tensor) -> Tensor:
    """Masking of one band by itself, its other orientations and its neighbour bands."""
    own = content[band]
    orientations, *shape = own.shape
    gain = band_gain(band)
    other_orientations = (own.sum(dim=0, keepdim=True) - own).clamp(min=0.0)

    def neighbour(index: int) -> Tensor:
        # Same orientation; a residual has one, which then stands for all (or meets the first).
        signal = resize(content[index][:orientations], (shape[0], shape[1]))
        return signal.clamp(min=0.0) / band_gain(index)

    other_bands = torch.zeros_like(own)
    if band > 0:
        other_bands = other_bands + neighbour(band - 1)
    # The base band masks nothing, although it is masked by the band above it.
    if band < len(content) - 2:
        other_bands = other_bands + neighbour(band + 1)

    return gain * (
        MASK_SELF * (own / threshold / gain) ** MASK_Q
        + MASK_XO * (other_orientations / threshold / gain) ** MASK_Q
        + MASK_XN * (other_bands / threshold) ** MASK_Q
    )
