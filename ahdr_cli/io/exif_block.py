"""A small fresh EXIF block for previews, made with piexif, which is sound for writing.

Nothing is copied from the photographs: no thumbnail, maker's note, location or serial number
travels on.
"""

from __future__ import annotations

from typing import Any

from ahdr_cli.images import HdrImage
from ahdr_cli.io.exif import exif_moment, rational
from ahdr_cli.io.software import SOFTWARE

__all__ = ["exif_block"]

_SHORT_MAX = 65535
_RECOMMENDED_EXPOSURE_INDEX = 2  # a SensitivityType
_SRGB = 1  # a ColorSpace


def exif_block(image: HdrImage) -> bytes:
    """EXIF with camera, lens, time and exposure of the reference frame, orientation 1."""
    import piexif

    metadata, exposure = image.metadata, image.exposure
    primary: dict[int, Any] = {
        piexif.ImageIFD.Make: _ascii(metadata.make),
        piexif.ImageIFD.Model: _ascii(metadata.model),
        piexif.ImageIFD.Orientation: 1,
        piexif.ImageIFD.Software: _ascii(SOFTWARE),
    }
    moment = metadata.captured_at
    fraction = (moment or "").partition(".")[2]
    capture: dict[int, Any] = {
        piexif.ExifIFD.ExifVersion: b"0232",
        piexif.ExifIFD.ColorSpace: _SRGB,
        piexif.ExifIFD.DateTimeOriginal: _ascii(exif_moment(moment)),
        piexif.ExifIFD.SubSecTimeOriginal: _ascii(fraction),
        piexif.ExifIFD.FocalLength: rational(metadata.focal_length),
        piexif.ExifIFD.LensModel: _ascii(metadata.lens),
    }
    if exposure is not None:
        capture |= {
            piexif.ExifIFD.ExposureTime: rational(exposure.seconds),
            piexif.ExifIFD.FNumber: rational(exposure.f_number),
            piexif.ExifIFD.ExposureBiasValue: _signed_rational(exposure.bias),
        }
        if exposure.iso is not None:
            iso = max(1, round(exposure.iso))
            capture[piexif.ExifIFD.ISOSpeedRatings] = min(iso, _SHORT_MAX)
            if _SHORT_MAX <= iso < 2**32:
                capture[piexif.ExifIFD.SensitivityType] = _RECOMMENDED_EXPOSURE_INDEX
                capture[piexif.ExifIFD.RecommendedExposureIndex] = iso
    block: bytes = piexif.dump({"0th": _present(primary), "Exif": _present(capture)})
    return block


def _present(tags: dict[int, Any]) -> dict[int, Any]:
    return {tag: value for tag, value in tags.items() if value not in (None, b"")}


def _ascii(text: str | None) -> bytes | None:
    """EXIF text is ASCII; other characters become question marks."""
    return None if text is None else text.encode("ascii", errors="replace")


def _signed_rational(value: float | None) -> tuple[int, int] | None:
    if not value:
        return None if value is None else (0, 1)
    ratio = rational(abs(value))
    if ratio is None or max(ratio) >= 2**31:
        return None
    return (ratio[0] if value > 0 else -ratio[0], ratio[1])
