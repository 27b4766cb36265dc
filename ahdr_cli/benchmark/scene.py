"""Brackets to measure with: synthetic, alike on every machine, and as hard as photographs.

A photograph's time depends on its detail (JPEG, EXR and PNG compress it), on its range (whether
highlights clip), and on the camera's motion. So the scene has structure of every scale with a
spectrum near 1/f, edges, ten stops of range, noise, and frames shifted by a few pixels.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image

from ahdr_cli.images import FloatArray
from ahdr_cli.radiometry.transfer import gamma_encode

__all__ = ["EVS", "frame_size", "write_bracket"]

EVS = (-2.0, 0.0, 2.0)
"""Exposures of the frames in stops."""

_SEED = 2019
_SHIFTS = ((5, 9), (0, 0), (11, 2))  # rows and columns by which the camera moved
_MARGIN = 16  # pixels of the scene around a frame
_NOISE = 0.004  # standard deviation, of encoded values
_ROWS = 256  # encoded at once


def frame_size(megapixels: float) -> tuple[int, int]:
    """(width, height) of a frame with sides of 3:2, both even; at least 48×32."""
    width = max(2 * round(math.sqrt(megapixels * 1e6 * 1.5) / 2), 48)
    return width, max(2 * round(width / 3), 32)


def write_bracket(folder: Path, megapixels: float) -> list[Path]:
    """Write three JPEGs without EXIF; their exposures are `EVS`."""
    width, height = frame_size(megapixels)
    stops = _stops(height + _MARGIN, width + _MARGIN)
    tint = np.array([1.0, 0.85, 0.7], np.float32)
    paths = []
    for index, (ev, (top, left)) in enumerate(zip(EVS, _SHIFTS, strict=True)):
        generator = np.random.default_rng((_SEED, index))
        pixels = np.empty((height, width, 3), np.uint8)
        for row in range(0, height, _ROWS):
            part = stops[top + row : top + min(row + _ROWS, height), left : left + width]
            light = np.exp2(part + np.float32(ev))[..., np.newaxis] * tint
            encoded = gamma_encode(np.minimum(light, 1.0))
            encoded += _NOISE * generator.standard_normal(encoded.shape, np.float32)
            pixels[row : row + _ROWS] = np.rint(np.clip(encoded, 0, 1) * 255)
        path = folder / f"{index}.jpg"
        Image.fromarray(pixels).save(path, quality=95, subsampling=0)
        paths.append(path)
    return paths


def _stops(height: int, width: int) -> FloatArray:
    """Logarithm of radiance to base 2, (height, width)."""
    generator = np.random.default_rng(_SEED)
    stops = np.full((height, width), -2.0, np.float32)
    cells, octave = 3, 0
    while cells < max(height, width):
        rows = max(round(cells * height / max(height, width)), 1)
        noise = Image.fromarray(generator.standard_normal((rows, cells), np.float32))
        smooth = np.asarray(noise.resize((width, height), Image.Resampling.BICUBIC))
        # Half the contrast with every octave is 1/f; the second one is made of edges.
        stops += np.sign(smooth) if octave == 1 else smooth * np.float32(2.0 * 0.6**octave)
        cells, octave = 2 * cells, octave + 1
    return stops
