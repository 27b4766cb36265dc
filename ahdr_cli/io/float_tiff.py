"""Float TIFF (.tif): float32 radiance for programs that read neither .hdr nor .exr well.

Written and read by tifffile. Float samples and predictor 3: Adobe, TIFF Technical Note 3 (2005).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ahdr_cli.errors import UnsupportedFormatError
from ahdr_cli.images import HdrImage
from ahdr_cli.io.exif import (
    EXPOSURE_TIME,
    F_NUMBER,
    MAKE,
    MODEL,
    PHOTOGRAPHIC_SENSITIVITY,
    rational,
)
from ahdr_cli.io.guard import decoding, one_line
from ahdr_cli.io.options import WriteOptions
from ahdr_cli.io.software import SOFTWARE, is_ours
from ahdr_cli.io.stored import REC709, UNKNOWN, StoredHdr
from ahdr_cli.io.tiff import (
    FLOAT_SAMPLES,
    RGB_MODEL,
    check_layout,
    decoded_samples,
    description,
    first_page,
    tiff_header,
)

__all__ = ["is_float_tiff", "read_float_tiff", "write_float_tiff"]


def is_float_tiff(path: Path) -> bool:
    """Whether the first page holds floating-point samples: radiance, not a photograph."""
    with decoding(path, "TIFF"), first_page(path) as page:
        return bool(page.sampleformat == FLOAT_SAMPLES)


def read_float_tiff(path: Path, *, max_pixels: int) -> StoredHdr:
    """Read the radiance of a float TIFF; its primaries are known only if ahdr wrote it.

    Raises:
        UnsupportedFormatError: samples that are no floats, or no RGB.
    """
    with decoding(path, "TIFF"), first_page(path) as page:
        check_layout(page, path=path, max_pixels=max_pixels, min_side=1)
        if (
            page.sampleformat != FLOAT_SAMPLES
            or page.photometric != RGB_MODEL
            or page.samplesperpixel < 3
        ):
            raise UnsupportedFormatError(
                f"TIFF with {description(page)}, expected floating-point RGB", path=path
            )
        header = tiff_header(page, path)
        software = one_line(page.software)
        return StoredHdr(
            pixels=decoded_samples(page)[..., :3].astype(np.float32),
            bit_depth=page.bitspersample,
            channels=page.samplesperpixel,
            colour_space=REC709 if is_ours(software) else UNKNOWN,
            exposure=header.exposure,
            metadata=header.metadata,
            attributes={
                "software": software,
                "compression": page.compression.name,
                "colourProfile": header.metadata.colour_profile or "none",
            },
        )


def write_float_tiff(path: Path, image: HdrImage, options: WriteOptions) -> None:
    """Write float32 RGB, deflate with the floating-point predictor unless compression is "none".

    Capture tags stand in the first directory, as in TIFF/EP (ISO 12234-2).
    """
    import tifffile

    compressed = options.compression != "none"
    tifffile.imwrite(
        path,
        image.pixels,
        photometric="rgb",
        compression="zlib" if compressed else None,
        predictor=compressed,
        software=SOFTWARE if image.colour_space == REC709 else None,
        metadata=None,  # no JSON description
        extratags=_capture_tags(image),
    )


def _capture_tags(image: HdrImage) -> list[tuple[int, str, int, object, bool]]:
    """Exposure and camera as tifffile wants them: code, type, count, value, once only."""
    tags: list[tuple[int, str, int, object, bool]] = []
    for code, text in ((MAKE, image.metadata.make), (MODEL, image.metadata.model)):
        if text:
            tags.append((code, "s", 0, text.encode("ascii", "replace").decode(), True))
    exposure = image.exposure
    if exposure is not None:
        for code, value in ((EXPOSURE_TIME, exposure.seconds), (F_NUMBER, exposure.f_number)):
            ratio = rational(value)
            if ratio is not None:
                tags.append((code, "2I", 1, ratio, True))
        if exposure.iso is not None and 1 <= exposure.iso < 65535:
            tags.append((PHOTOGRAPHIC_SENSITIVITY, "H", 1, round(exposure.iso), True))
    return tags
