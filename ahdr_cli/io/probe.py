"""What a file says of itself, for ``ahdr info``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ahdr_cli.images import CaptureMetadata, Exposure, FloatArray
from ahdr_cli.io.float_tiff import is_float_tiff
from ahdr_cli.io.guard import MAX_PIXELS
from ahdr_cli.io.ldr import HEADER_READERS
from ahdr_cli.io.readers import HDR_READERS
from ahdr_cli.io.sniff import FileKind, sniff

__all__ = ["FileInfo", "HdrStatistics", "probe"]

PERCENTILES = (1.0, 50.0, 99.0, 99.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class HdrStatistics:
    """The values of an HDR file as stored, over all pixels and R, G, B.

    Attributes:
        minimum, maximum: of the finite values; None if there are none.
        percentiles: percent to value, of the finite values.
        finite, nan, infinite, negative: numbers of values; negative ones are finite, too.
    """

    minimum: float | None
    maximum: float | None
    percentiles: Mapping[float, float]
    finite: int
    nan: int
    infinite: int
    negative: int

    @classmethod
    def of(cls, pixels: FloatArray) -> HdrStatistics:
        """Count and measure an array of any shape."""
        finite = np.isfinite(pixels)
        nan = int(np.isnan(pixels).sum())
        values = pixels[finite]
        # "lower" gives a value that occurs, and cannot overflow in interpolation.
        ranks = np.percentile(values, PERCENTILES, method="lower") if values.size else ()
        return cls(
            minimum=float(values.min()) if values.size else None,
            maximum=float(values.max()) if values.size else None,
            percentiles={p: float(rank) for p, rank in zip(PERCENTILES, ranks, strict=False)},
            finite=values.size,
            nan=nan,
            infinite=pixels.size - values.size - nan,
            negative=int((values < 0).sum()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInfo:
    """What a file says of itself.

    Attributes:
        path: as given.
        format: ``JPEG``, ``PNG``, ``TIFF``, ``RAW``, ``Radiance HDR`` or ``OpenEXR``.
        is_hdr: radiance, not a photograph.
        width, height: in pixels, upright.
        bit_depth: bits per channel; 8 for Radiance, whose exponent is shared.
        channels: in the file; 1 for a palette and for RAW sensors the colours of the mosaic.
        exposure: None if the file does not say.
        metadata: of the capture.
        colour_space: of an HDR file; None for photographs, see `metadata.colour_profile`.
        statistics: of an HDR file.
        attributes: header fields of an HDR file, as text.
    """

    path: Path
    format: str
    is_hdr: bool
    width: int
    height: int
    bit_depth: int | None
    channels: int
    exposure: Exposure | None
    metadata: CaptureMetadata
    colour_space: str | None = None
    statistics: HdrStatistics | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that ``json`` can write, with the EV and without the serial number."""
        plain = asdict(self)
        del plain["metadata"]["serial"]
        plain["path"] = str(self.path)
        if self.exposure is not None:
            del plain["exposure"]["relative"]  # what a file records never is
            plain["exposure"]["ev"] = self.exposure.ev
        if self.statistics is not None:
            plain["statistics"]["percentiles"] = {
                f"{percent:g}": value for percent, value in self.statistics.percentiles.items()
            }
        return plain


def probe(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> FileInfo:
    """Describe a photograph from its header, or an HDR file from its header and values.

    A photograph is not decoded, so that a damaged one may still be described.

    Args:
        path: the file.
        max_pixels: refuse to decode larger HDR files; photographs have no limit here.

    Raises:
        InputError: as :func:`ahdr_cli.io.read_frame` and :func:`ahdr_cli.io.read_hdr` do.
    """
    path = Path(path)
    kind = sniff(path)
    if kind not in HEADER_READERS or (kind is FileKind.TIFF and is_float_tiff(path)):
        return _hdr_info(path, kind, max_pixels)
    header = HEADER_READERS[kind](path)
    width, height = header.upright_size
    return FileInfo(
        path=path,
        format=kind.value,
        is_hdr=False,
        width=width,
        height=height,
        bit_depth=header.metadata.bit_depth,
        channels=header.channels,
        exposure=header.exposure,
        metadata=header.metadata,
    )


def _hdr_info(path: Path, kind: FileKind, max_pixels: int) -> FileInfo:
    stored = HDR_READERS[kind](path, max_pixels=max_pixels)
    height, width = stored.pixels.shape[:2]
    return FileInfo(
        path=path,
        format=kind.value,
        is_hdr=True,
        width=width,
        height=height,
        bit_depth=stored.bit_depth,
        channels=stored.channels,
        exposure=stored.exposure,
        metadata=stored.metadata,
        colour_space=stored.colour_space,
        statistics=HdrStatistics.of(stored.pixels),
        attributes=dict(stored.attributes),
    )
