"""Camera RAW through LibRaw (package rawpy, extra ``raw``): developed like a plain photograph.

Camera white balance, no automatic brightness, the sensor's own white level, sRGB primaries, and
a pure γ = 2.2 encoding, so that decoding with γ gives back linear light. LibRaw turns the
picture upright itself. Exposure comes from EXIF, and from LibRaw where the container is one
that EXIF readers do not know (CR3, RAF).
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from ahdr_cli.errors import MissingDependencyError, UnsupportedFormatError
from ahdr_cli.images import CaptureMetadata, Exposure
from ahdr_cli.io.exif import capture_metadata, exposure_from, read_tags
from ahdr_cli.io.guard import check_dimensions, decoding, one_line
from ahdr_cli.io.raster import Header, Raster
from ahdr_cli.io.text_name import text_name
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["WhiteBalance", "read_raw", "read_raw_header", "read_white_balance"]

WhiteBalance: TypeAlias = tuple[float, float, float, float]
"""Factors of red, green, blue and the second green."""

_EXIF_ORIENTATION = {0: 1, 1: 2, 3: 3, 2: 4, 4: 5, 6: 6, 7: 7, 5: 8}
"""LibRaw's flip (bit 0 mirrors columns, bit 1 rows, bit 2 transposes) as EXIF orientation."""


def read_raw_header(path: Path) -> Header:
    """Dimensions and exposure, without developing."""
    with decoding(path, "RAW"), _opened(path) as raw:
        return _header(raw, path)


def read_white_balance(path: Path) -> WhiteBalance | None:
    """The camera's white balance: factors of red, green, blue and the second green.

    None if the file does not say. Raises as :func:`read_raw`.
    """
    with decoding(path, "RAW"), _opened(path) as raw:
        red, green, blue, other = map(float, raw.camera_whitebalance)
    # A second green of 0 means that of the first.
    return (red, green, blue, other) if min(red, green, blue) > 0 else None


def read_raw(path: Path, *, max_pixels: int, white_balance: WhiteBalance | None = None) -> Raster:
    """Develop a RAW file to 16 bits.

    Args:
        path: the file.
        max_pixels: refuse larger pictures.
        white_balance: to develop with; None is the camera's own.

    Raises:
        MissingDependencyError: rawpy is not installed.
        UnsupportedFormatError: LibRaw does not know the camera or the variant.
    """
    rawpy = _rawpy(path)
    with decoding(path, "RAW"), _opened(path) as raw:
        header = _header(raw, path)
        check_dimensions(header.width, header.height, path=path, max_pixels=max_pixels)
        samples = raw.postprocess(
            use_camera_wb=white_balance is None,
            user_wb=None if white_balance is None else list(white_balance),
            no_auto_bright=True,
            # By default LibRaw lowers the white level to the brightest pixel of each frame,
            # which would scale the frames of a bracket differently.
            adjust_maximum_thr=0.0,
            gamma=(GAMMA, 0.0),  # exponent, no straight part
            output_color=rawpy.ColorSpace.sRGB,
            output_bps=16,
        )
        return Raster(header, samples, 65535)


def _rawpy(path: Path) -> Any:  # noqa: ANN401 # rawpy ships no types
    try:
        import rawpy
    except ImportError as error:
        raise MissingDependencyError(
            f"RAW files need the package rawpy: {one_line(error)}",
            path=path,
            hint="pip install 'ahdr[raw]'",
        ) from error
    return rawpy


def _opened(path: Path) -> Any:  # noqa: ANN401 # rawpy ships no types
    rawpy = _rawpy(path)
    try:
        with text_name(path) as name:
            return rawpy.imread(name)
    except rawpy.LibRawFileUnsupportedError as error:
        version = ".".join(map(str, rawpy.libraw_version))
        raise UnsupportedFormatError(
            f"a RAW variant that LibRaw {version} does not know, or a damaged file",
            path=path,
            hint="convert it to DNG, or develop it to 16-bit TIFF",
        ) from error


def _header(raw: Any, path: Path) -> Header:  # noqa: ANN401 # rawpy ships no types
    with path.open("rb") as stream:
        tags = read_tags(stream)
    sizes = raw.sizes
    metadata = capture_metadata(
        tags,
        file_format="RAW",
        bit_depth=int(raw.white_level).bit_length() or None,
    )
    metadata = replace(metadata, orientation=_EXIF_ORIENTATION.get(sizes.flip, 1))
    return Header(
        width=sizes.width,
        height=sizes.height,
        channels=raw.num_colors,
        exposure=exposure_from(tags) or _exposure_from_libraw(raw),
        metadata=_completed(metadata, raw),
        turned_by_decoder=True,
    )


def _exposure_from_libraw(raw: Any) -> Exposure | None:  # noqa: ANN401 # rawpy ships no types
    other: Any = getattr(raw, "other", None)  # absent from older versions of rawpy
    if other is None or not _known(other.shutter_speed):
        return None
    return Exposure(
        seconds=other.shutter_speed,
        iso=other.iso_speed if _known(other.iso_speed) else None,
        f_number=other.aperture if _known(other.aperture) else None,
    )


def _known(value: float) -> bool:
    """LibRaw says 0 where it does not know."""
    return 0.0 < value < math.inf


def _completed(metadata: CaptureMetadata, raw: Any) -> CaptureMetadata:  # noqa: ANN401 # rawpy ships no types
    """Fill the lens in from LibRaw, which decodes makers' notes."""
    lens = one_line(getattr(getattr(raw, "lens", None), "model", "") or "")
    return metadata if metadata.lens or not lens else replace(metadata, lens=lens)
