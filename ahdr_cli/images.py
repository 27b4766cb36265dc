"""The nouns that travel through the house: `Exposure`, `Frame`, `HdrImage`.

Conventions that hold everywhere above this file:

* arrays are (H, W, 3) or (H, W), row-major, channels last, RGB;
* `Frame.pixels` is display-encoded (γ ≈ 1/2.2) in [0, 1];
* `HdrImage.pixels` is linear, 1.0 = the white of the bracket's reference frame;
* exposures are in seconds, ISO 12232 speed and f-number; differences in stops (EV).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.errors import ExposureError, UsageError

__all__ = ["CaptureMetadata", "Exposure", "FloatArray", "Frame", "HdrImage", "PixelSource"]

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How much light a frame was given; ExposureError if a number has no meaning.

    Attributes:
        seconds: shutter time in seconds, > 0.
        iso: sensitivity (ISO 12232), > 0, or None if unknown.
        f_number: aperture N as in f/N, > 0, or None if unknown.
        bias: exposure compensation in EV as the camera recorded it; information only.
        relative: `seconds` means something only against the other frames of the bracket, so
            it must not be written into a file as a shutter time.
    """

    seconds: float
    iso: float | None = None
    f_number: float | None = None
    bias: float | None = None
    relative: bool = False

    def __post_init__(self) -> None:
        for name in ("seconds", "iso", "f_number"):
            value = getattr(self, name)
            if name != "seconds" and value is None:
                continue
            if not (isinstance(value, Real) and math.isfinite(value) and float(value) > 0):
                raise ExposureError(f"{name} must be a number, finite and positive, got {value!r}")

    @classmethod
    def from_ev(cls, ev: float) -> Exposure:
        """An exposure known only relative to others: `ev` stops above one second."""
        return cls(seconds=2.0**ev, relative=True)

    @property
    def shutter(self) -> float | None:
        """Shutter time in seconds, to be shown or written; None if only ratios are known."""
        return None if self.relative else self.seconds

    @property
    def effective(self) -> float:
        """Effective exposure t · ISO / (100 · N²); an unknown ISO counts as 100, N as 1.

        Comparable within a bracket only if the same fields are known for all its frames;
        :func:`ahdr_cli.bracket.relative_exposures` sees to that.
        """
        return self.seconds * (self.iso or 100.0) / 100.0 / (self.f_number or 1.0) ** 2

    @property
    def ev(self) -> float:
        """Effective exposure in stops, log2 of `effective`: larger is brighter."""
        return math.log2(self.effective)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureMetadata:
    """What a file says of its capture. Everything may be unknown.

    Attributes:
        make, model, lens: of camera and lens, as recorded.
        captured_at: local capture time, ISO 8601 (``2024-05-01T12:30:00.25``).
        focal_length: in millimetres.
        bit_depth: bits per channel in the file.
        file_format: ``JPEG``, ``PNG``, ``TIFF`` or ``RAW``.
        orientation: EXIF orientation found in the file (1–8), already applied to the pixels.
        colour_profile: description of the embedded ICC profile, if any.
        bracketed: whether the camera says it was bracketing; None if it says nothing.
        software: the program that wrote the file, as recorded.
        serial: of the camera body; tells bodies of one model apart and is never written out.
    """

    make: str | None = None
    model: str | None = None
    lens: str | None = None
    captured_at: str | None = None
    focal_length: float | None = None
    bit_depth: int | None = None
    file_format: str | None = None
    orientation: int = 1
    colour_profile: str | None = None
    bracketed: bool | None = None
    serial: str | None = None
    software: str | None = None

    @property
    def camera(self) -> str | None:
        """Maker and model; the maker once, for some repeat it in the model. None if unknown."""
        make, model = self.make or "", self.model or ""
        named = model.casefold().split()[:1] == make.casefold().split()[:1]
        return (model if named else f"{make} {model}".strip()) or None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One photograph; UsageError if the pixels have another shape or type.

    Attributes:
        pixels: (H, W, 3) float32 RGB in [0, 1], display-encoded, upright.
        exposure: None if neither the file nor the user says.
        path: where it came from; None for frames made in memory.
        metadata: what the file says of its capture.
    """

    pixels: FloatArray
    exposure: Exposure | None = None
    path: Path | None = None
    metadata: CaptureMetadata = field(default_factory=CaptureMetadata)

    def __post_init__(self) -> None:
        _check_shape(self.pixels)
        if self.pixels.dtype != np.float32:
            raise UsageError(
                f"pixels must be float32 from 0 to 1, got {self.pixels.dtype}",
                hint="whole numbers are divided by their white, 255 or 65535; then .astype('f4')",
            )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def name(self) -> str:
        """The path as the user wrote it, or a stand-in for frames made in memory."""
        return "<frame in memory>" if self.path is None else str(self.path)


@dataclass(frozen=True, slots=True, eq=False)
class HdrImage:
    """Scene-referred linear radiance; UsageError if the pixels have another shape.

    Attributes:
        pixels: (H, W, 3) float32 linear RGB, finite, ≥ 0; 1.0 = white of the reference frame.
        colour_space: identifier of the primaries as in the ASWF Color Interop recommendation.
        exposure: of the reference frame.
        metadata: of the reference frame.
    """

    pixels: FloatArray
    colour_space: str = "lin_rec709_scene"
    exposure: Exposure | None = None
    metadata: CaptureMetadata = field(default_factory=CaptureMetadata)

    def __post_init__(self) -> None:
        _check_shape(self.pixels)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]


def _check_shape(pixels: object) -> None:
    if not isinstance(pixels, np.ndarray):
        raise UsageError(f"pixels must be a numpy array, got {type(pixels).__name__}")
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UsageError(
            f"pixels must be (H, W, 3), got {pixels.shape}", hint="RGB, channels last, no alpha"
        )


class PixelSource(Protocol):
    """A frame (H, W, 3) float32 that is asked for box by box: an array, or what computes one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, 3)."""

    def __getitem__(self, box: tuple[slice, slice], /) -> FloatArray:
        """The pixels of rows and columns."""
