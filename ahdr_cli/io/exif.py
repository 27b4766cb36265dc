"""EXIF: how a frame was exposed and with what.

Pillow parses the tags. It bounds the tag data by the size of the block (since version 13) and
its failures can be contained; piexif took 6 GB and half a minute on hostile files. Anything
unusable, from a 1/0 rational to a broken block, counts as absent: a photograph without
exposure is something that the user can mend with a flag, a crash is not.

Tag numbers and meanings: Exif 3.0 (CIPA DC-008), section 4.6.
"""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import BinaryIO

from ahdr_cli.images import CaptureMetadata, Exposure
from ahdr_cli.io.silence import without_warnings

__all__ = [
    "ExifTags",
    "capture_metadata",
    "exif_moment",
    "exposure_from",
    "iso_moment",
    "rational",
    "read_tags",
]

logger = logging.getLogger(__name__)

_PREAMBLE = b"Exif\x00\x00"
_MAX_TEXT = 200
_EXIF_MOMENT = "%Y:%m:%d %H:%M:%S"

MAKE, MODEL, ORIENTATION = 271, 272, 274
EXPOSURE_TIME, F_NUMBER = 33434, 33437
EXIF_IFD = 34665
PHOTOGRAPHIC_SENSITIVITY, RECOMMENDED_EXPOSURE_INDEX, ISO_SPEED = 34855, 34866, 34867
DATE_TIME_ORIGINAL, SUBSEC_TIME_ORIGINAL = 36867, 37521
SHUTTER_SPEED_VALUE, APERTURE_VALUE, EXPOSURE_BIAS_VALUE = 37377, 37378, 37380
SOFTWARE = 305
FOCAL_LENGTH, LENS_MODEL = 37386, 42036
EXPOSURE_MODE, BODY_SERIAL_NUMBER = 41986, 42033

_AUTO_BRACKET = 2
"""Value of ExposureMode; 0 is automatic, 1 manual."""

_ISO_OVERFLOW = 65535
"""PhotographicSensitivity is a SHORT: this value says "look at the 32-bit tags"."""


@dataclass(frozen=True, slots=True)
class ExifTags:
    """The tags of a file: `primary` from IFD0, `exif` from the Exif IFD."""

    primary: Mapping[int, object] = field(default_factory=dict)
    exif: Mapping[int, object] = field(default_factory=dict)

    def find(self, tag: int) -> object:
        """The value of a tag, wherever it sits: TIFF writers disagree. None if absent."""
        return self.exif.get(tag, self.primary.get(tag))


def read_tags(source: bytes | BinaryIO | None) -> ExifTags:
    """Parse an EXIF block, or the first directory of a TIFF-structured file.

    Args:
        source: the block (with or without its ``Exif`` preamble), or an open TIFF or RAW file.

    Returns:
        The tags; empty if there are none or they cannot be parsed. Never raises on bad data.
    """
    if source is None:
        return ExifTags()
    from PIL import Image

    stream = io.BytesIO(source.removeprefix(_PREAMBLE)) if isinstance(source, bytes) else source
    primary: dict[int, object] = {}
    try:
        with without_warnings():
            exif = Image.Exif()
            exif.load_from_fp(stream)
            primary = dict(exif)
            return ExifTags(primary, dict(exif.get_ifd(EXIF_IFD)))
    except Exception as error:  # Pillow raises SyntaxError, struct.error, KeyError and others here
        logger.debug("unusable EXIF ignored: %r", error)
        return ExifTags(primary)


def exposure_from(tags: ExifTags) -> Exposure | None:
    """The exposure, or None where the shutter time is not known.

    ExposureTime and FNumber come first; their APEX forms (t = 2^-Tv, N = 2^(Av/2), Exif 3.0
    annex C) stand in where they are absent.
    """
    seconds = _positive(tags.find(EXPOSURE_TIME))
    if seconds is None:
        seconds = _power_of_two(_number(tags.find(SHUTTER_SPEED_VALUE)), scale=-1.0)
    if seconds is None:
        return None
    f_number = _positive(tags.find(F_NUMBER))
    if f_number is None:
        f_number = _power_of_two(_number(tags.find(APERTURE_VALUE)), scale=0.5)
    return Exposure(
        seconds=seconds,
        iso=_iso(tags),
        f_number=f_number,
        bias=_number(tags.find(EXPOSURE_BIAS_VALUE)),
    )


def capture_metadata(
    tags: ExifTags,
    *,
    file_format: str,
    bit_depth: int | None = None,
    colour_profile: str | None = None,
) -> CaptureMetadata:
    """What the tags say of the capture, completed with what the container says."""
    orientation = _number(tags.primary.get(ORIENTATION))
    mode = _number(tags.find(EXPOSURE_MODE))
    return CaptureMetadata(
        make=_text(tags.find(MAKE)),
        model=_text(tags.find(MODEL)),
        lens=_text(tags.find(LENS_MODEL)),
        captured_at=iso_moment(
            _text(tags.find(DATE_TIME_ORIGINAL)), _text(tags.find(SUBSEC_TIME_ORIGINAL))
        ),
        focal_length=_positive(tags.find(FOCAL_LENGTH)),
        bit_depth=bit_depth,
        file_format=file_format,
        orientation=int(orientation) if orientation and 1 <= orientation <= 8 else 1,
        colour_profile=colour_profile,
        bracketed=None if mode is None else mode == _AUTO_BRACKET,
        serial=_text(tags.find(BODY_SERIAL_NUMBER)),
        software=_text(tags.find(SOFTWARE)),
    )


def rational(value: float | None) -> tuple[int, int] | None:
    """A positive value as an EXIF rational (two 32-bit unsigned numbers); None if it is none.

    Shutter times below a second keep the form 1/x that cameras use where it is exact enough.
    """
    if value is None or not 2.0**-31 <= value < 2.0**32:
        return None
    inverse = round(1.0 / value)
    if value < 1.0 and abs(inverse * value - 1.0) < 1e-6:
        return 1, inverse
    # Keeps numerator and denominator below 2^32.
    fraction = Fraction(value).limit_denominator(min(10**6, max(1, int(2.0**31 / value))))
    return (fraction.numerator, fraction.denominator) if fraction else (1, round(1.0 / value))


def _iso(tags: ExifTags) -> float | None:
    iso = _positive(tags.find(PHOTOGRAPHIC_SENSITIVITY))
    if iso is not None and iso != _ISO_OVERFLOW:
        return iso
    for tag in (ISO_SPEED, RECOMMENDED_EXPOSURE_INDEX):
        wide = _positive(tags.find(tag))
        if wide is not None:
            return wide
    return iso


def iso_moment(text: str | None, fraction: str | None = None) -> str | None:
    """``2024:05:01 12:30:00`` (and digits of a second) as ISO 8601; None if it is no moment."""
    try:
        moment = datetime.strptime(text or "", _EXIF_MOMENT).isoformat()
    except ValueError:
        return None
    digits = (fraction or "").strip()
    return f"{moment}.{digits}" if digits.isascii() and digits.isdigit() else moment


def exif_moment(moment: str | None) -> str | None:
    """An ISO 8601 moment as EXIF, OpenEXR and Radiance write it, without fraction."""
    try:
        parsed = datetime.fromisoformat((moment or "").partition(".")[0])
    except ValueError:
        return None
    # Not strftime, which drops leading zeros of the year on some systems.
    return parsed.replace(tzinfo=None).isoformat(" ", "seconds").replace("-", ":")


def _numbers(value: object) -> Iterable[float]:
    """The finite numbers in a value that may be a rational, a number or a list of either."""
    for item in value if isinstance(value, tuple | list) else (value,):
        if isinstance(item, str | bytes | bool):
            continue
        try:
            number = float(item)
        except (TypeError, ValueError, ArithmeticError):
            continue
        if math.isfinite(number):
            yield number


def _number(value: object) -> float | None:
    return next(iter(_numbers(value)), None)


def _positive(value: object) -> float | None:
    return next((number for number in _numbers(value) if number > 0), None)


def _power_of_two(exponent: float | None, *, scale: float) -> float | None:
    """2^(scale · exponent); beyond ±64 stops it is no photograph's value."""
    if exponent is None or abs(exponent) > 64:
        return None
    return float(2.0 ** (scale * exponent))


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if not isinstance(value, str):
        return None
    text = "".join(c for c in value.split("\x00", 1)[0] if c.isprintable()).strip()
    return text[:_MAX_TEXT] or None
