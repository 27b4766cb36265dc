"""`Header` and `Raster`: what every decoder of photographs returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.images import CaptureMetadata, Exposure, FloatArray
from ahdr_cli.io.orientation import turned

__all__ = ["Header", "Raster"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a photograph declares before it is decoded.

    Attributes:
        width, height: in pixels, as stored: the orientation is not applied.
        channels: as stored, alpha and palette indices counted.
        exposure: None if the file does not say.
        metadata: with format, bit depth and orientation.
        turned_by_decoder: the decoder applies the orientation itself (LibRaw does).
    """

    width: int
    height: int
    channels: int
    exposure: Exposure | None
    metadata: CaptureMetadata
    turned_by_decoder: bool = False

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) as the picture is looked at."""
        if self.metadata.orientation >= 5:
            return self.height, self.width
        return self.width, self.height


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Decoded samples.

    Attributes:
        header: what the file declares.
        samples: (H, W) or (H, W, C) unsigned integers; C = 2 and 4 end in alpha.
        white: the sample value of full white, such as 255 or 65535.
    """

    header: Header
    samples: NDArray[Any]
    white: int

    def to_rgb(self) -> FloatArray:
        """(H, W, 3) float32 in [0, 1], upright, contiguous.

        Alpha is dropped, not composited: the colour beneath is what the camera recorded, and
        a background would be a guess.
        """
        samples = self.samples
        if samples.ndim == 3:
            samples = samples[..., :1] if samples.shape[2] < 3 else samples[..., :3]
        else:
            samples = samples[..., np.newaxis]
        if not self.header.turned_by_decoder:
            samples = turned(samples, self.header.metadata.orientation)
        rgb = np.empty((*samples.shape[:2], 3), np.float32)
        np.divide(samples, np.float32(self.white), out=rgb, dtype=np.float32)
        return rgb
