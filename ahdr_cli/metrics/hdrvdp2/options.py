"""What HDR-VDP-2 must be told about the images and their viewing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from ahdr_cli.errors import UsageError

__all__ = ["EmissionSpectrum", "Encoding", "HdrVdp2Options"]

Encoding = Literal["rgb-bt.709", "XYZ", "luminance", "sRGB-display", "luma-display"]
"""How pixel values are meant.

* ``rgb-bt.709``: three channels, linear, absolute: white of 100 cd/m² is (100, 100, 100);
* ``XYZ``: three channels, CIE XYZ, absolute;
* ``luminance``: one channel in cd/m²;
* ``sRGB-display``: three channels, display-encoded 0 … 1, on a screen of 1 … 100 cd/m²;
* ``luma-display``: one such channel, gamma 2.2.
"""

EmissionSpectrum = Literal["ccfl-lcd", "led-lcd", "crt"]
"""Backlight of the three-channel display; the results hardly depend on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HdrVdp2Options:
    """Settings of HDR-VDP-2, to be recorded with every result. Defaults are the original's.

    Attributes:
        pixels_per_degree: pixels per degree of visual angle; results of different values must not
            be compared. `Display.pixels_per_degree` computes it.
        encoding: meaning of the pixel values.
        emission: spectrum of a three-channel display; one channel is always D65.
        surround: cd/m² around the image, or None for the geometric mean of the reference.
        peak_sensitivity: log10 of the observer's peak contrast sensitivity.
        optics: simulate the scatter of light in the eye.
        masking: let image content hide differences.
        spatial_pooling: pool the visibility maps over the image. `quality` does not depend on it.
    """

    pixels_per_degree: float
    encoding: Encoding = "rgb-bt.709"
    emission: EmissionSpectrum = "ccfl-lcd"
    surround: float | None = 1e-5
    peak_sensitivity: float = 2.4
    optics: bool = True
    masking: bool = True
    spatial_pooling: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.pixels_per_degree) and self.pixels_per_degree > 0):
            raise UsageError(
                f"pixels per degree must be finite and positive, got {self.pixels_per_degree}"
            )
        if self.encoding not in get_args(Encoding):
            raise UsageError(
                f"unknown encoding {self.encoding!r}",
                hint=f"choose from {', '.join(get_args(Encoding))}",
            )
        if self.emission not in get_args(EmissionSpectrum):
            raise UsageError(
                f"unknown emission spectrum {self.emission!r}",
                hint=f"choose from {', '.join(get_args(EmissionSpectrum))}",
            )
        if self.surround is not None and not (math.isfinite(self.surround) and self.surround > 0):
            raise UsageError(f"the surround must be finite and positive, got {self.surround}")

    @property
    def channels(self) -> int:
        """Channels that the encoding has."""
        return 1 if self.encoding in ("luminance", "luma-display") else 3
