"""HDR images out: a table from suffix to writer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ahdr_cli.images import HdrImage
from ahdr_cli.io.atomic import atomic_path, check_output
from ahdr_cli.io.exr import HALF_LARGEST, write_exr
from ahdr_cli.io.float_tiff import write_float_tiff
from ahdr_cli.io.options import WriteOptions
from ahdr_cli.io.radiance import RGBE_LARGEST, write_radiance
from ahdr_cli.io.sanitise import FLOAT32_LARGEST, sanitised

__all__ = ["HDR_SUFFIXES", "heeded_by", "largest_value", "write_hdr"]


@dataclass(frozen=True, slots=True)
class _Writer:
    """One format: how it is written, the largest value that it holds, and what it can do.

    `heeds` names the `WriteOptions` that the format follows, or gives anyway.
    """

    write: Callable[[Path, HdrImage, WriteOptions], None]
    largest: Callable[[WriteOptions], float]
    heeds: frozenset[str]


_FLOAT_TIFF = _Writer(
    write_float_tiff, lambda options: FLOAT32_LARGEST, frozenset({"float32", "compression"})
)

_WRITERS = {
    ".hdr": _Writer(write_radiance, lambda options: RGBE_LARGEST, frozenset({"chromaticities"})),
    ".exr": _Writer(
        write_exr,
        lambda options: FLOAT32_LARGEST if options.float32 else HALF_LARGEST,
        frozenset({"float32", "chromaticities", "compression"}),
    ),
    ".tif": _FLOAT_TIFF,
    ".tiff": _FLOAT_TIFF,
}

HDR_SUFFIXES = tuple(_WRITERS)
"""Suffixes that `write_hdr` knows."""


def heeded_by(suffix: str, option: str) -> bool:
    """Whether files with this suffix can be what an option of `WriteOptions` asks for.

    Float TIFF has 32 bits, and Radiance names its primaries, without being asked.
    """
    return option in _WRITERS[suffix.lower()].heeds


def largest_value(path: str | Path, options: WriteOptions = WriteOptions()) -> float:  # noqa: B008 # frozen
    """The largest value that a file with this suffix can hold; brighter ones are clamped to it.

    Half-float OpenEXR ends at 65504, the others beyond 10^38.
    """
    return _WRITERS[Path(path).suffix.lower()].largest(options)


def write_hdr(
    path: str | Path,
    image: HdrImage,
    *,
    overwrite: bool = False,
    options: WriteOptions = WriteOptions(),  # noqa: B008 # frozen
) -> Path:
    """Write radiance as Radiance (.hdr), OpenEXR (.exr) or float TIFF (.tif), atomically.

    Values are made finite, not negative and at most `largest_value`, on a copy if need be: Inf
    becomes the largest, NaN 0.

    Args:
        path: where to; the suffix picks the format.
        image: what to write.
        overwrite: whether an existing file may be replaced.
        options: variations of the format.

    Returns:
        The path written.

    Raises:
        OutputExistsError: the file exists and `overwrite` is False.
        OutputError: unknown suffix, missing or unwritable folder, full disk.
    """
    path = Path(path)
    check_output(path, overwrite=overwrite, suffixes=HDR_SUFFIXES)
    writer = _WRITERS[path.suffix.lower()]
    clean = replace(image, pixels=sanitised(image.pixels, largest=writer.largest(options)))
    with atomic_path(path, overwrite=overwrite) as temporary:
        writer.write(temporary, clean, options)
    return path
