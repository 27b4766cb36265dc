"""From light on a display to the eye's response in just noticeable differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ahdr_cli.metrics.hdrvdp2.constants import (
    DALY_PEAK_SENSITIVITY,
    EMISSION_TO_LMSR,
    JOINT_SENSITIVITY,
    LUMINANCE_RANGE,
    MTF_A,
    MTF_B,
    ROD_SENSITIVITY,
    XYZ_TO_RGB,
)
from ahdr_cli.metrics.hdrvdp2.lookup import UniformTable
from ahdr_cli.metrics.hdrvdp2.options import HdrVdp2Options
from ahdr_cli.metrics.hdrvdp2.spectrum import filter_padded
from ahdr_cli.radiometry.transfer import srgb_decode

__all__ = [
    "Response",
    "emitted_light",
    "joint_sensitivity",
    "optical_transfer",
    "response_tables",
    "retinal_response",
    "rod_sensitivity",
]

Float64Array = NDArray[np.float64]

_TABLE_POINTS = 2048
_LOG_RANGE = (-5.0, 5.0)  # log10 cd/m²
_BLURRED_RANGE = (1e-5, 1e10)  # after the optics, cd/m²


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """What the eye makes of one image.

    Attributes:
        achromatic: (H, W) response P in just noticeable differences, mean removed.
        adaptation: (H, W) adapting luminance L + M in cd/m².
    """

    achromatic: Tensor
    adaptation: Tensor


def emitted_light(pixels: Float64Array, options: HdrVdp2Options) -> Float64Array:
    """Absolute light of the display, from the pixel values of `options.encoding`.

    Args:
        pixels: (C, H, W) with as many channels as the encoding has.
        options: of which the encoding matters.

    Returns:
        (C, H, W) in cd/m²; linear RGB with BT.709 primaries, or luminance.
    """
    match options.encoding:
        case "luma-display":
            light = 99.0 * np.power(np.maximum(pixels, 0.0), 2.2) + 1.0
        case "sRGB-display":
            light = 99.0 * srgb_decode(pixels) + 1.0
        case "XYZ":
            light = np.einsum("kc,chw->khw", np.asarray(XYZ_TO_RGB), pixels)
        case "rgb-bt.709" | "luminance":
            light = pixels
    return light


def retinal_response(light: Tensor, *, surround: Tensor, options: HdrVdp2Options) -> Response:
    """Optics, photoreceptors and their luminance response.

    Args:
        light: (C, H, W) float64 in cd/m².
        surround: (C,) light around the image.
        options: display and observer.
    """
    if options.optics:
        light = filter_padded(
            light,
            optical_transfer,
            pixels_per_degree=options.pixels_per_degree,
            pad_value=surround,
        ).clamp(*_BLURRED_RANGE)
    emission = EMISSION_TO_LMSR[options.emission if options.channels == 3 else "d65"]
    matrix = torch.tensor(emission, dtype=light.dtype, device=light.device)
    long, medium, _, rod = torch.einsum("chw,ck->khw", light, matrix)

    cone_table, rod_table = response_tables(options.peak_sensitivity, device=light.device)
    cones = cone_table(_log_luminance(long)) + cone_table(_log_luminance(medium))
    rods = rod_table(_log_luminance(rod))
    return Response(
        achromatic=(cones - cones.mean()) + (rods - rods.mean()), adaptation=long + medium
    )


def optical_transfer(rho: Tensor) -> Tensor:
    """Modulation transfer of the eye's optics, a sum of four exponentials.

    Args:
        rho: spatial frequency in cycles per degree.
    """
    return torch.stack([a * torch.exp(-b * rho) for a, b in zip(MTF_A, MTF_B, strict=True)]).sum(0)


def joint_sensitivity(luminance: Float64Array) -> Float64Array:
    """Peak sensitivity of cones and rods together, at `luminance` in cd/m²."""
    scale, half, steepness, fall = JOINT_SENSITIVITY
    result: Float64Array = scale * ((half / luminance) ** steepness + 1.0) ** -fall
    return result


def rod_sensitivity(luminance: Float64Array) -> Float64Array:
    """Peak sensitivity of the rods alone, at `luminance` in cd/m²."""
    peak, width_below, power_below, width_above, power_above, gain = ROD_SENSITIVITY
    distance = np.abs(np.log10(luminance / peak))
    exponent = np.where(
        luminance > peak,
        distance**power_above / width_above,
        distance**power_below / width_below,
    )
    result: Float64Array = 10.0**gain * np.exp(-exponent)
    return result


def response_tables(
    peak_sensitivity: float, *, device: torch.device
) -> tuple[UniformTable, UniformTable]:
    """Response of cones and of rods over log10 luminance, in just noticeable differences.

    The response is the integral of the sensitivity ΔL/L: one unit is one threshold. Each of the
    L and M cones carries half of what the rods leave of the joint sensitivity.
    """
    log_luminance = np.linspace(*_LOG_RANGE, _TABLE_POINTS)
    grid = 10.0**log_luminance
    rods = rod_sensitivity(grid)
    cones_together = np.maximum(joint_sensitivity(grid) - rods, 1e-3)
    # The published fit looks up twice the luminance: L and M add up to it.
    cones = 0.5 * np.interp(np.minimum(2.0 * grid, grid[-1]), grid, cones_together)
    gain = DALY_PEAK_SENSITIVITY * 10.0**peak_sensitivity
    step = (_LOG_RANGE[1] - _LOG_RANGE[0]) / (_TABLE_POINTS - 1)

    def integrate(sensitivity: Float64Array) -> UniformTable:
        trapezoids = 0.5 * step * np.log(10.0) * (sensitivity[1:] + sensitivity[:-1])
        values = gain * np.concatenate(([0.0], np.cumsum(trapezoids)))
        return UniformTable(
            *_LOG_RANGE, torch.from_numpy(values).to(device=device, dtype=torch.float64)
        )

    return integrate(cones), integrate(rods)


def _log_luminance(signal: Tensor) -> Tensor:
    return signal.clamp(*LUMINANCE_RANGE).log10()
