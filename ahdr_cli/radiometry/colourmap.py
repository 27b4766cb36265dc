"""A perceptually uniform colour map for values without a sign: dark violet to pale yellow.

Computed, not tabulated: a path through OKLab (B. Ottosson, "A perceptual color space for image
processing", 2020) along which lightness grows linearly, so that equal steps in value look
equally large, in print without colour too. The hue turns from violet through teal to yellow,
and the chroma stays inside sRGB.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.radiometry.transfer import srgb_encode

__all__ = ["MISSING", "colour_map", "colour_table", "oklab_to_linear"]

LIGHTNESS = (0.22, 0.94)
HUE = (math.radians(300.0), math.radians(105.0))
CHROMA = 0.135
"""Upper bound; near both ends the gamut allows less."""

MISSING = (128, 128, 128)
"""sRGB of values that are not known (NaN)."""

# Ottosson's matrices: OKLab to cube roots of cone-like signals, and their cubes to linear sRGB.
_TO_ROOTS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def oklab_to_linear(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """OKLab (..., 3) to linear sRGB (..., 3); outside [0, 1] where sRGB has no such colour."""
    roots = lab @ _TO_ROOTS.T
    linear: NDArray[np.float64] = roots**3 @ _TO_LINEAR.T
    return linear


@functools.cache
def colour_table() -> NDArray[np.uint8]:
    """(256, 3) sRGB from the lowest to the highest value; read-only."""
    position = np.linspace(0.0, 1.0, 256)
    lightness = LIGHTNESS[0] + (LIGHTNESS[1] - LIGHTNESS[0]) * position
    hue = HUE[0] + (HUE[1] - HUE[0]) * position
    # The largest chroma inside sRGB, by bisection, smoothed so that the path has no kink.
    low, high = np.zeros(256), np.full(256, CHROMA)
    for _ in range(24):
        middle = (low + high) / 2
        linear = oklab_to_linear(_polar(lightness, middle, hue))
        inside = ((linear >= 0) & (linear <= 1)).all(axis=1)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    window = np.pad(low, 12, mode="edge")
    chroma = np.minimum(low, [window[i : i + 25].mean() for i in range(256)])
    encoded = srgb_encode(np.clip(oklab_to_linear(_polar(lightness, chroma, hue)), 0.0, 1.0))
    table = np.rint(encoded * 255).astype(np.uint8)
    table.setflags(write=False)
    return table


def colour_map(
    values: NDArray[np.floating[Any]], *, low: float = 0.0, high: float = 1.0
) -> NDArray[np.uint8]:
    """Values as colours.

    Args:
        values: (...), any range; NaN is shown as `MISSING`.
        low: shown darkest, as is everything below.
        high: shown lightest, as is everything above; > low.

    Returns:
        (..., 3) sRGB.
    """
    if not high > low:
        raise ValueError(f"high must be above low, got {low} and {high}")
    known = np.isfinite(values)
    position = np.clip((np.where(known, values, low) - low) / (high - low), 0.0, 1.0)
    colours = colour_table()[np.rint(position * 255).astype(np.uint8)]
    colours[~known] = MISSING
    return colours


def _polar(
    lightness: NDArray[np.float64], chroma: NDArray[np.float64], hue: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.stack((lightness, chroma * np.cos(hue), chroma * np.sin(hue)), axis=-1)
