"""`StoredHdr`: the contents of an HDR file exactly as stored, NaN and infinity included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from ahdr_cli.images import CaptureMetadata, Exposure, FloatArray

__all__ = [
    "REC709",
    "REC709_CHROMATICITIES",
    "UNKNOWN",
    "HdrReader",
    "StoredHdr",
    "colour_space_of",
]

REC709 = "lin_rec709_scene"
UNKNOWN = "unknown"
"""Identifiers of the ASWF Color Interop recommendation."""

REC709_CHROMATICITIES = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
"""x, y of red, green, blue and white: Rec. ITU-R BT.709-6."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredHdr:
    """What a reader of an HDR format returns.

    Attributes:
        pixels: (H, W, 3) float32 RGB exactly as stored; NaN, Inf and negatives possible.
        bit_depth: bits per sample; 8 for RGBE, whose exponent is shared.
        channels: in the file, including those that are not read.
        colour_space: interop identifier, or `UNKNOWN`: it is not guessed.
        exposure, metadata: of the capture, as far as the file has them.
        attributes: header fields as text, for display.
    """

    pixels: FloatArray
    bit_depth: int
    channels: int = 3
    colour_space: str = UNKNOWN
    exposure: Exposure | None = None
    metadata: CaptureMetadata = field(default_factory=CaptureMetadata)
    attributes: Mapping[str, str] = field(default_factory=dict)


class HdrReader(Protocol):
    """Reads one HDR format, refusing more than `max_pixels`."""

    def __call__(self, path: Path, *, max_pixels: int) -> StoredHdr:
        """Read `path`."""
        ...


def colour_space_of(chromaticities: ArrayLike | None) -> str:
    """The identifier for eight chromaticities; none means Rec. 709, as both formats say."""
    if chromaticities is None:
        return REC709
    values = np.asarray(chromaticities, np.float64).ravel()
    same = values.size == 8 and np.allclose(values, REC709_CHROMATICITIES, atol=2e-3)
    return REC709 if same else UNKNOWN
