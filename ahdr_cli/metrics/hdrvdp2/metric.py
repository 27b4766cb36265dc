"""HDR-VDP-2.2.1: visible differences and quality of an image against its reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ahdr_cli.errors import DeviceError, InputError
from ahdr_cli.metrics.hdrvdp2 import pyramid
from ahdr_cli.metrics.hdrvdp2.constants import DIFFERENCE_THRESHOLD, LUMINANCE_RANGE
from ahdr_cli.metrics.hdrvdp2.contrast import neural_sensitivity
from ahdr_cli.metrics.hdrvdp2.masking import band_differences, band_thresholds
from ahdr_cli.metrics.hdrvdp2.options import HdrVdp2Options
from ahdr_cli.metrics.hdrvdp2.pooling import quality, visible_contrast
from ahdr_cli.metrics.hdrvdp2.receptors import Response, emitted_light, retinal_response
from ahdr_cli.metrics.hdrvdp2.spectrum import filter_padded
from ahdr_cli.metrics.pair import Float64Array, RealArray, as_pair

__all__ = ["VERSION", "HdrVdp2Maps", "HdrVdp2Result", "decompose", "hdrvdp2"]

VERSION = "2.2.1"
"""Release that the results agree with; other releases have other scales."""


@dataclass(frozen=True, slots=True, eq=False)
class HdrVdp2Maps:
    """Where a difference is seen.

    Attributes:
        contrast: (H, W) float64 ≥ 0, differences in multiples of the visibility threshold (C_map).
        probability: (H, W) float64 in [0, 1], probability of seeing a difference (P_map).
    """

    contrast: NDArray[np.float64]
    probability: NDArray[np.float64]

    @property
    def max_contrast(self) -> float:
        """C_max, the largest visible contrast."""
        return float(self.contrast.max())

    @property
    def detection(self) -> float:
        """P_det, the probability of seeing a difference anywhere."""
        return float(self.probability.max())


@dataclass(frozen=True, slots=True, eq=False)
class HdrVdp2Result:
    """What HDR-VDP-2 says of a pair.

    Attributes:
        quality: the quality correlate Q: 100 if nothing differs, less the worse; no lower end.
        options: what it was told. Values are comparable only under the same options and for
            images of the same size.
        maps: where differences are seen, if they were asked for.
    """

    quality: float
    options: HdrVdp2Options
    maps: HdrVdp2Maps | None = None


def hdrvdp2(
    test: RealArray,
    reference: RealArray,
    *,
    options: HdrVdp2Options,
    maps: bool = True,
    device: str | torch.device = "cpu",
) -> HdrVdp2Result:
    """Compare an image with its reference.

    R. Mantiuk, K. J. Kim, A. G. Rempel, W. Heidrich: "HDR-VDP-2: A calibrated visual metric for
    visibility and quality predictions in all luminance conditions", ACM TOG 30(4) 40, 2011.
    M. Narwaria, R. Mantiuk, M. Perreira Da Silva, P. Le Callet: "HDR-VDP-2.2: a calibrated method
    for objective quality prediction of high-dynamic range and standard images", J. Electronic
    Imaging 24(1) 010501, 2015.

    Agrees with the original program (release 2.2.1) to about 1e-11 in `quality`. Computed in
    float64; takes about 1 kB of memory per pixel.

    Args:
        test: (H, W, 3), or (H, W) for the one-channel encodings; both sides ≥ 15 pixels, finite.
            Values as `options.encoding` says: for the default, absolute linear light in cd/m²
            (:class:`ahdr_cli.metrics.display.Display` makes it from relative radiance).
        reference: same shape.
        options: encoding, resolution and observer.
        maps: also compute the visibility maps, which `quality` does not need.
        device: where to compute; it must support float64 (CPU or CUDA).

    Raises:
        InputError: if the images differ in shape, are too small, are not finite, or do not fit
            the encoding.
        DeviceError: if the device has no float64.
    """
    left, right = as_pair(test, reference)
    _check_shapes(left, options)
    where = torch.device(device)
    if where.type == "mps":
        raise DeviceError("HDR-VDP-2 needs float64, which mps does not offer", hint="use cpu")
    light_test = _to_light(left, options, where)
    light_reference = _to_light(right, options, where)
    if options.surround is None:
        surround = light_reference.log().mean(dim=(-2, -1)).exp()
    else:
        surround = light_reference.new_full((options.channels,), options.surround)

    response_reference = retinal_response(light_reference, surround=surround, options=options)
    response_test = retinal_response(light_test, surround=surround, options=options)

    bands_test, bands_reference, frequencies = decompose(
        response_test, response_reference, pixels_per_degree=options.pixels_per_degree
    )
    adaptation = (response_test.adaptation + response_reference.adaptation) / 2.0
    thresholds = band_thresholds(
        adaptation.clamp(*LUMINANCE_RANGE).log10(),
        [(band.shape[-2], band.shape[-1]) for band in bands_test],
        frequencies,
    )
    differences = band_differences(bands_test, bands_reference, thresholds, masking=options.masking)
    changed = _changed(light_test, light_reference)
    return HdrVdp2Result(
        quality=quality(differences, changed, frequencies),
        options=options,
        maps=_maps(differences, options) if maps else None,
    )


def decompose(
    test: Response, reference: Response, *, pixels_per_degree: float
) -> tuple[list[Tensor], list[Tensor], list[float]]:
    """Split both responses into bands and weight the base bands by the contrast sensitivity.

    Args:
        test: response to the image under test.
        reference: response to its reference.
        pixels_per_degree: of the images.

    Returns:
        Bands of the test image, bands of the reference, and the bands' frequencies in cycles per
        degree, fine to coarse.
    """
    bands_test = pyramid.build(test.achromatic)
    bands_reference = pyramid.build(reference.achromatic)
    frequencies = pyramid.band_frequencies(len(bands_reference), pixels_per_degree)
    # One surround for both, or their difference would have an edge of its own.
    pad_value = bands_reference[-1].mean()[None]
    for bands, response in ((bands_test, test), (bands_reference, reference)):
        bands[-1] = _filter_base(
            bands[-1],
            frequency=frequencies[-1],
            luminance=response.adaptation.mean(),
            pad_value=pad_value,
        )
    return bands_test, bands_reference, frequencies


def _check_shapes(test: Float64Array, options: HdrVdp2Options) -> None:
    fits = test.ndim == 2 if options.channels == 1 else test.ndim == 3 and test.shape[2] == 3
    if not fits:
        expected = "(H, W)" if options.channels == 1 else "(H, W, 3)"
        raise InputError(f"encoding {options.encoding!r} needs images {expected}, got {test.shape}")
    if min(test.shape[:2]) < pyramid.MINIMUM_SIDE:
        raise InputError(
            f"HDR-VDP-2 needs at least {pyramid.MINIMUM_SIDE} pixels a side, "
            f"got {test.shape[1]} x {test.shape[0]}"
        )


def _to_light(image: Float64Array, options: HdrVdp2Options, device: torch.device) -> Tensor:
    """(C, H, W) float64 in cd/m²."""
    channels_last = np.atleast_3d(image)
    light = emitted_light(np.moveaxis(channels_last, 2, 0), options)
    return torch.from_numpy(np.ascontiguousarray(light)).to(device)


def _filter_base(base: Tensor, *, frequency: float, luminance: Tensor, pad_value: Tensor) -> Tensor:
    """Weight the base band (1, h, w) by the sensitivity at its own frequencies; DC vanishes."""
    return filter_padded(
        base,
        lambda rho: neural_sensitivity(rho, luminance),
        # Twice the centre frequency is the sampling rate; √2 is the authors' empirical choice.
        pixels_per_degree=frequency * 2.0 * 2.0**0.5,
        pad_value=pad_value,
    )


def _changed(test: Tensor, reference: Tensor) -> Tensor:
    """(H, W) 1.0 where any channel differs relatively by more than the threshold, else 0.0."""
    # 0/0 is NaN and counts as no difference, x/0 is infinite and counts as one.
    relative = (test - reference).abs() / reference
    return (relative > DIFFERENCE_THRESHOLD).any(dim=0).to(test.dtype)


def _maps(differences: list[Tensor], options: HdrVdp2Options) -> HdrVdp2Maps:
    contrast = visible_contrast(differences, spatial_pooling=options.spatial_pooling)
    probability = 1.0 - 0.5**contrast
    return HdrVdp2Maps(contrast=contrast.cpu().numpy(), probability=probability.cpu().numpy())
