"""`Guide`: a small copy of a frame for alignment, in units that all frames share.

However large the frame, its guide has at most `MOST_PIXELS`, and is made strip by strip, so
that alignment takes bounded time and next to no memory. A guide's pixel is the mean of a whole
block of the frame's, so its scale is exact. Means are taken of encoded values: those of two
exposures differ by a factor, as their pixels do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.opencv import load_cv2
from ahdr_cli.images import FloatArray, PixelSource
from ahdr_cli.radiometry.luminance import luminance
from ahdr_cli.radiometry.transfer import GAMMA, gamma_decode

__all__ = ["MOST_PIXELS", "Guide", "grey8"]

MOST_PIXELS = 1_000_000
"""Largest guide. Motion is found to a few hundredths of its pixels."""

_LONGEST = 1 << 14  # pixels of a guide's side: OpenCV warps less than 1 << 15
_BLACK, _CLIPPED = 0.04, 0.98  # encoded values between which a pixel is well exposed
_STRIP = 1 << 19  # pixels of a frame looked at at once, which caches hold for the most part


@dataclass(frozen=True, slots=True, eq=False)
class Guide:
    """A small copy of a frame, as alignment needs it.

    Attributes:
        log_radiance: (h, w) float32, natural logarithm of luminance in the reference's units.
        seen: (h, w) float32, share of a block's pixels that are neither clipped nor black.
        grey: (h, w) uint8, encoded luminance.
        block: side in pixels of the blocks of the frame that became its pixels.
    """

    log_radiance: FloatArray
    seen: FloatArray
    grey: NDArray[np.uint8]
    block: int

    @classmethod
    def of(cls, pixels: PixelSource, *, gain: float = 1.0) -> Self:
        """Make a frame's guide.

        Args:
            pixels: (H, W, 3) float32 in [0, 1], display-encoded.
            gain: exposure relative to the reference frame.
        """
        cv2 = load_cv2()
        sides = pixels.shape[:2]
        block = math.ceil(max(math.sqrt(math.prod(sides) / MOST_PIXELS), max(sides) / _LONGEST, 1))
        height, width = (side // block for side in sides)
        size = (height, width)
        log_radiance, seen = np.empty(size, np.float32), np.empty(size, np.float32)
        grey = np.empty(size, np.uint8)
        floor = np.float32(_BLACK**GAMMA)
        step = max(_STRIP // (width * block * block), 1)
        for top, bottom in pairwise([*range(0, height, step), height]):
            strip = pixels[top * block : bottom * block, : width * block]
            small = _blocks(cv2, strip, block)
            linear = luminance(gamma_decode(small)) / np.float32(gain)
            log_radiance[top:bottom] = np.log(linear + floor)
            grey[top:bottom] = grey8(small)
            seen[top:bottom] = _blocks(cv2, _exposed(cv2, strip), block)
        return cls(log_radiance, seen, grey, block)


def grey8(pixels: FloatArray) -> NDArray[np.uint8]:
    """Encoded luminance of (H, W, 3) in 0 … 255, rounded to nearest."""
    grey = np.empty(pixels.shape[:2], np.uint8)
    step = max(_STRIP // pixels.shape[1], 1)
    for top in range(0, len(pixels), step):
        steps: FloatArray = luminance(pixels[top : top + step]) * np.float32(255)
        grey[top : top + step] = np.rint(steps, out=steps).clip(0, 255, out=steps)
    return grey


def _blocks(cv2: Any, strip: FloatArray, block: int) -> FloatArray:  # noqa: ANN401 - a module
    """Means of whole blocks."""
    if block == 1:
        return strip
    size = (strip.shape[1] // block, strip.shape[0] // block)
    means: FloatArray = cv2.resize(strip, size, interpolation=cv2.INTER_AREA)
    return means


def _exposed(cv2: Any, strip: FloatArray) -> FloatArray:  # noqa: ANN401 - a module
    """1 where the brightest channel is neither clipped nor black, else 0."""
    # OpenCV takes channels apart in a fraction of the time that numpy takes to stride over them.
    first, second, third = cv2.split(strip)
    peak = cv2.max(cv2.max(first, second, dst=first), third, dst=first)
    exposed: FloatArray = ((peak < _CLIPPED) & (peak > _BLACK)).astype(np.float32)
    return exposed
