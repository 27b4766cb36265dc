"""The screen on which an image is judged.

HDR-VDP-2 and PU21 predict what a person sees, so they need light in cd/m² and visual angles;
radiance relative to a camera's white has neither. A result is only worth as much as these
settings: record them with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ahdr_cli.errors import UsageError
from ahdr_cli.metrics.pair import Float64Array, RealArray

__all__ = ["Display"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """An HDR screen and the place before it.

    The luminances are those of VESA DisplayHDR 1000; 24 inches at 0.5 m are the viewing conditions
    that the literature on deghosting states for HDR-VDP-2, here with full-HD pixels.

    Attributes:
        peak: luminance of white in cd/m².
        black: luminance of black in cd/m², > 0 and below `peak`.
        diagonal: of the screen in inches.
        resolution: width and height of the *screen* in pixels, whatever the image measures.
        distance: from eye to screen in metres.
    """

    peak: float = 1000.0
    black: float = 0.05
    diagonal: float = 24.0
    resolution: tuple[int, int] = (1920, 1080)
    distance: float = 0.5

    def __post_init__(self) -> None:
        positive = (self.peak, self.black, self.diagonal, self.distance, *self.resolution)
        if not all(math.isfinite(value) and value > 0 for value in positive):
            raise UsageError(f"display settings must be finite and positive, got {self}")
        if self.black >= self.peak:
            raise UsageError(
                f"black must be darker than the peak, got {self.black} and {self.peak} cd/m²"
            )

    @property
    def pixels_per_degree(self) -> float:
        """Pixels per degree of visual angle, the mean over the screen's height."""
        width, height = self.resolution
        inches = self.diagonal / math.hypot(1.0, width / height)
        degrees = 2.0 * math.degrees(math.atan(0.5 * inches * 0.0254 / self.distance))
        return height / degrees

    def emitted(self, radiance: RealArray) -> Float64Array:
        """Light of the screen in cd/m² for radiance in [0, 1]: black + (peak - black) · x.

        Args:
            radiance: linear, any shape; 1.0 becomes the peak, and the screen clips what lies
                beyond. The metrics' convention is 1.0 = white of the shortest frame.
        """
        shown = np.clip(radiance.astype(np.float64), 0.0, 1.0)
        return self.black + (self.peak - self.black) * shown
