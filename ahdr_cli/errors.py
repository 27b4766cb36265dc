"""Every failure that a user can meet, with its exit code and the way out.

::

    AhdrError                          1  unexpected
    ├── UsageError                     2  the command or call cannot mean anything
    │   ├── FrameCountError            2  too few or too many photographs
    │   └── MissingDependencyError     2  an optional package is not installed
    ├── InputError                     3  a file cannot be read or used
    │   ├── UnreadableImageError       3  damaged, truncated or not a picture
    │   ├── UnsupportedFormatError     3  a picture, but of a kind that ahdr does not read
    │   ├── ImageTooLargeError         3  declared dimensions beyond the limit
    │   └── SizeMismatchError          3  the frames of a bracket differ in size
    ├── ExposureError                  4  exposures are missing or make no bracket
    │   ├── MissingExposureError       4  no EXIF exposure and no flag
    │   └── EqualExposuresError        4  two frames have the same exposure
    ├── ModelError                     5  a model cannot be found, verified or built
    │   ├── UnknownModelError          5  no such name or path
    │   ├── CorruptWeightsError        5  the SHA-256 or the contents are wrong
    │   └── ForeignCheckpointError     5  a checkpoint of an unknown layout
    ├── OutputError                    6  a result cannot be written
    │   └── OutputExistsError          6  the file is there and must not be replaced
    ├── DeviceError                    7  the device is absent or cannot do what was asked
    │   └── OutOfMemoryError           7  not even the smallest tile fits
    └── BatchError                     8  some items of a batch failed

Messages are one line, name what was found and what was expected, and leave the
way out to ``hint``. One handler, in :mod:`ahdr_cli.cli`, prints them.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

__all__ = [
    "AhdrError",
    "BatchError",
    "CorruptWeightsError",
    "DeviceError",
    "EqualExposuresError",
    "ExposureError",
    "ForeignCheckpointError",
    "FrameCountError",
    "ImageTooLargeError",
    "InputError",
    "MissingDependencyError",
    "MissingExposureError",
    "ModelError",
    "OutOfMemoryError",
    "OutputError",
    "OutputExistsError",
    "SizeMismatchError",
    "UnknownModelError",
    "UnreadableImageError",
    "UnsupportedFormatError",
    "UsageError",
    "counted",
    "reason_of",
]


class AhdrError(Exception):
    """The root: catch this to catch everything that ahdr raises on purpose.

    Attributes:
        path: the file concerned, if there is one.
        hint: the next step for the user, a sentence without a full stop.
        exit_code: what the command line exits with.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self, message: str, *, path: str | Path | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = None if path is None else Path(path)
        self.hint = hint

    def __str__(self) -> str:
        text = self.message if self.path is None else f"{self.path}: {self.message}"
        return text if self.hint is None else f"{text} ({self.hint})"


class UsageError(AhdrError):
    """The command or call contradicts itself or asks for something undefined."""

    exit_code = 2


class FrameCountError(UsageError):
    """Too few or too many photographs for the command."""


class MissingDependencyError(UsageError):
    """An optional package is needed for this file or option and is not installed."""


class InputError(AhdrError):
    """A file cannot be read or cannot be used."""

    exit_code = 3


class UnreadableImageError(InputError):
    """The file is damaged, truncated, empty, or no picture at all."""


class UnsupportedFormatError(InputError):
    """A picture, but of a kind that ahdr does not read."""


class ImageTooLargeError(InputError):
    """The declared dimensions are beyond the limit, so nothing was decoded."""


class SizeMismatchError(InputError):
    """The frames of a bracket differ in size."""


class ExposureError(AhdrError):
    """Exposures are missing or do not make a bracket."""

    exit_code = 4


class MissingExposureError(ExposureError):
    """A frame carries no exposure and no flag gives one."""


class EqualExposuresError(ExposureError):
    """Two frames have the same exposure, so that they add nothing to each other."""


class ModelError(AhdrError):
    """A model cannot be found, verified or built."""

    exit_code = 5


class UnknownModelError(ModelError):
    """Neither a registered name nor a checkpoint file."""


class CorruptWeightsError(ModelError):
    """The weights are not what the manifest or their own header promises."""


class ForeignCheckpointError(ModelError):
    """A checkpoint whose layout is not known, or is not what it should be."""


class OutputError(AhdrError):
    """A result cannot be written."""

    exit_code = 6


class OutputExistsError(OutputError):
    """The file is there already and must not be replaced unasked."""


class DeviceError(AhdrError):
    """The device is absent or cannot do what was asked."""

    exit_code = 7


class OutOfMemoryError(DeviceError):
    """Not even the smallest tile fits into memory."""


class BatchError(AhdrError):
    """Some items of a batch failed; the report names them."""

    exit_code = 8


def counted(count: int, noun: str) -> str:
    """A number of things for a message: ``1 file``, ``3 files``.

    Args:
        count: how many.
        noun: in the singular; the plural is made with an s.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def reason_of(error: Exception) -> str:
    """Why the operating system refused, in its own words, for the end of a one-line message."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(words).lower()
