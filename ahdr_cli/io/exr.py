"""OpenEXR: half floats and ZIP by default, through the official OpenEXR package.

OpenCV 5 has no OpenEXR, imageio writes a TIFF under this name, imagecodecs has no EXR codec.
OpenEXR itself has no limit on sizes, so the header is read and checked before the pixels.

Half ends at 65504, some 16 stops above the reference frame's white; brighter values are
clamped there. Where a scene goes beyond, `WriteOptions(float32=True)` keeps them.

Attributes follow the OpenEXR standard attributes and the ASWF Color Interop recommendation.
Numbers must be Python floats: the binding rejects NumPy scalars and stores an int as int.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ahdr_cli.errors import UnreadableImageError, UnsupportedFormatError
from ahdr_cli.images import CaptureMetadata, Exposure, HdrImage
from ahdr_cli.io.exif import exif_moment, iso_moment
from ahdr_cli.io.guard import check_dimensions, check_samples, decoding, one_line
from ahdr_cli.io.options import EXR_COMPRESSIONS, WriteOptions
from ahdr_cli.io.silence import without_lines
from ahdr_cli.io.software import SOFTWARE
from ahdr_cli.io.stored import REC709, REC709_CHROMATICITIES, StoredHdr, colour_space_of
from ahdr_cli.io.text_name import text_name

__all__ = ["HALF_LARGEST", "read_exr", "write_exr"]

_COMPRESSIONS = {
    name: f"{'no' if name == 'none' else name}_COMPRESSION".upper() for name in EXR_COMPRESSIONS
}

HALF_LARGEST = 65504.0
"""The largest finite half."""

_TALK = re.compile(rb"\(EXR_ERR_[A-Z_]+\)|^ojph ")
"""What OpenEXR and OpenJPH within it write to stderr about damage, beside what they raise."""

_STREAMS = threading.Lock()


def write_exr(path: Path, image: HdrImage, options: WriteOptions) -> None:
    """Write a scanline file with R, G and B. Values must be sanitised.

    Raises:
        OSError: the file cannot be written.
    """
    import OpenEXR

    header = {
        "type": OpenEXR.scanlineimage,
        "compression": getattr(OpenEXR, _COMPRESSIONS[options.compression]),
        "software": SOFTWARE,
        **_capture_attributes(image),
    }
    if options.chromaticities and image.colour_space == REC709:
        header["chromaticities"] = REC709_CHROMATICITIES
    else:
        header["colorInteropID"] = image.colour_space
    pixels = image.pixels if options.float32 else image.pixels.astype(np.float16)
    try:
        with text_name(path, flags=os.O_WRONLY | os.O_CREAT) as name:
            OpenEXR.File(header, {"RGB": np.ascontiguousarray(pixels)}).write(name)
    except RuntimeError as error:  # the library's only type: 'Cannot … "path". No space left.'
        raise OSError(one_line(str(error).rpartition('". ')[2]).rstrip(".")) from error


def read_exr(path: Path, *, max_pixels: int) -> StoredHdr:
    """Read R, G and B of the first part that has them, or of the only layer that does.

    Scanline and tiled files, half, float and integer samples; the data window is the picture.

    Raises:
        UnsupportedFormatError: no R, G and B at full resolution, or in several layers only, or
            deep data.
    """
    import OpenEXR

    with (
        decoding(path, "OpenEXR file"),
        text_name(path) as name,
        _quiet(),
    ):
        index, names = _checked_part(OpenEXR.File(name, header_only=True), path, max_pixels)
        parts = OpenEXR.File(name, separate_channels=True).parts
        # Where pixels cannot be decoded the binding drops the part instead of raising.
        if len(parts) <= index or not set(names) <= set(parts[index].channels):
            raise UnreadableImageError("damaged or truncated OpenEXR file", path=path)
        header, channels = parts[index].header, parts[index].channels
        planes = [channels[name].pixels for name in names]
        bit_depth = 8 * max(plane.dtype.itemsize for plane in planes)
        return StoredHdr(
            pixels=np.stack(planes, axis=-1).astype(np.float32),
            bit_depth=bit_depth,
            channels=len(channels),
            colour_space=_colour_space(header),
            exposure=_exposure(header),
            metadata=replace(_metadata(header), bit_depth=bit_depth),
            attributes=_attributes(header),
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the binding's warnings off sys.stdout, and the library's lines off stderr.

    The command line may print JSON to the one, and says in one line of its own on the other what
    is wrong. One thread at a time: redirections that overlap would leave streams redirected.
    """
    with _STREAMS, contextlib.redirect_stdout(_Muted(sys.stdout)), without_lines(_TALK):
        yield


class _Muted:
    """A stream that drops what its own thread writes, and passes on what other threads write."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 # whatever stands for stdout
        self._stream, self._thread = stream, threading.get_ident()

    def write(self, text: str) -> int:
        """Write `text`, or drop it; returns how many characters that were."""
        if threading.get_ident() == self._thread:
            return len(text)
        written: int = self._stream.write(text)
        return written

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 # whatever the stream has
        return getattr(self._stream, name)


def _checked_part(file: Any, path: Path, max_pixels: int) -> tuple[int, list[str]]:  # noqa: ANN401 # OpenEXR ships no types
    """Index of the part to read and names of its channels, once all parts are of sane size."""
    samples = 0
    found: list[str] = []
    layers: list[tuple[int, str]] = []
    for index, part in enumerate(file.parts):
        header = part.header
        low, high = (np.asarray(corner, np.int64) for corner in header["dataWindow"])
        width, height = (int(side) for side in high - low + 1)
        check_dimensions(width, height, path=path, max_pixels=max_pixels, min_side=1)
        samples += width * height * len(header["channels"])
        usable = {name for name, flaw in _channels(header) if not flaw}
        found += sorted(f"{name}{flaw}" for name, flaw in _channels(header))
        layers += ((index, layer) for layer in _layers(usable))
    # All parts and channels get decoded with the ones that are wanted.
    check_samples(samples, path=path, max_pixels=max_pixels)
    chosen = [each for each in layers if not each[1]] or layers
    if not chosen or (chosen[0][1] and len(chosen) > 1):
        names = one_line(", ".join(found[:12])) or "none"
        once = " of one layer" if chosen else ""
        raise UnsupportedFormatError(
            f"OpenEXR file with the channels {names}, expected R, G and B{once}",
            path=path,
            hint="oiiotool IN.exr --ch R=NAME,G=NAME,B=NAME -o OUT.exr writes such a file",
        )
    index, layer = chosen[0]
    return index, [f"{layer}{name}" for name in "RGB"]


def _channels(header: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names of a part's channels, each with what is in the way of reading it."""
    import OpenEXR

    deep = header.get("type") in (OpenEXR.deepscanline, OpenEXR.deeptile)
    return [
        (
            channel.name,
            " (deep)"
            if deep
            else ""
            if (channel.xSampling, channel.ySampling) == (1, 1)
            else " (subsampled)",
        )
        for channel in header["channels"]
    ]


def _layers(names: set[str]) -> list[str]:
    """Prefixes before R, G and B: "" where they are in no layer, "name." else."""
    prefixes = sorted(name[:-1] for name in names if re.fullmatch(r"(.*\.)?R", name, re.DOTALL))
    return [prefix for prefix in prefixes if {f"{prefix}G", f"{prefix}B"} <= names]


def _capture_attributes(image: HdrImage) -> dict[str, object]:
    """Standard attributes for exposure and camera of the reference frame, where known."""
    exposure, metadata = image.exposure, image.metadata
    attributes: dict[str, object | None] = {
        "expTime": None if exposure is None else float(exposure.seconds),
        "isoSpeed": None if exposure is None or exposure.iso is None else float(exposure.iso),
        "aperture": None
        if exposure is None or exposure.f_number is None
        else float(exposure.f_number),
        "capDate": exif_moment(metadata.captured_at),
        "cameraMake": metadata.make,
        "cameraModel": metadata.model,
        "lensModel": metadata.lens,
        "nominalFocalLength": None
        if metadata.focal_length is None
        else float(metadata.focal_length),
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _colour_space(header: Mapping[str, Any]) -> str:
    identifier = header.get("colorInteropID")
    if isinstance(identifier, str) and identifier:
        return one_line(identifier)
    return colour_space_of(header.get("chromaticities"))


def _exposure(header: Mapping[str, Any]) -> Exposure | None:
    seconds = _positive(header.get("expTime"))
    if seconds is None:
        return None
    return Exposure(
        seconds=seconds,
        iso=_positive(header.get("isoSpeed")),
        f_number=_positive(header.get("aperture")),
    )


def _metadata(header: Mapping[str, Any]) -> CaptureMetadata:
    texts = {
        name: one_line(value) or None
        for name in ("cameraMake", "cameraModel", "lensModel", "capDate")
        if isinstance(value := header.get(name), str)
    }
    return CaptureMetadata(
        make=texts.get("cameraMake"),
        model=texts.get("cameraModel"),
        lens=texts.get("lensModel"),
        captured_at=iso_moment(texts.get("capDate")),
        focal_length=_positive(header.get("nominalFocalLength")),
        file_format="EXR",
    )


def _attributes(header: Mapping[str, Any]) -> dict[str, str]:
    """Attributes as text; arrays in one line, enumerations by name, no channel list."""
    return {
        one_line(name): one_line(_plain(value))
        for name, value in header.items()
        if name not in ("channels", "preview")
    }


def _plain(value: object) -> object:
    """Arrays, and tuples of them, as lists; enumerations by name."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return getattr(value, "name", value)


def _positive(value: object) -> float | None:
    """A positive float32 attribute, as the shortest decimal number that it stands for."""
    if not isinstance(value, int | float) or not 0.0 < value < math.inf:
        return None
    return float(str(np.float32(value)))
