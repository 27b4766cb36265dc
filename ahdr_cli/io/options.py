"""How HDR files are written."""

from __future__ import annotations

from dataclasses import dataclass

from ahdr_cli.errors import UsageError

__all__ = ["EXR_COMPRESSIONS", "WriteOptions"]

EXR_COMPRESSIONS = ("none", "rle", "zips", "zip", "piz", "pxr24")
"""Compressions of OpenEXR 2, read everywhere, lossless for half.

DWA is left out (it zeroes Inf and can push large values there), B44 is lossy, ZSTD too new.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """Options of :func:`ahdr_cli.io.write_hdr`; a format ignores what it cannot vary.

    :func:`ahdr_cli.io.heeded_by` tells which do.

    Attributes:
        float32: OpenEXR samples of 32 bits instead of half (which ends at 65504).
        compression: OpenEXR compression, one of `EXR_COMPRESSIONS`; TIFF knows "none" and the
            rest, which is deflate.
        chromaticities: write the OpenEXR attribute `chromaticities` for older readers, instead
            of `colorInteropID`; the ASWF recommendation is to write one of the two.
    """

    float32: bool = False
    compression: str = "zip"
    chromaticities: bool = False

    def __post_init__(self) -> None:
        if self.compression not in EXR_COMPRESSIONS:
            raise UsageError(
                f"compression {self.compression!r}, expected one of {', '.join(EXR_COMPRESSIONS)}"
            )
