"""Radiance maps and photographs from folders, as `Scene`s of a common scale and size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ahdr_cli.errors import InputError
from ahdr_cli.images import FloatArray
from ahdr_cli.training.scenes import Scene

__all__ = ["LARGEST_SIDE", "find_images", "normalised", "read_scenes", "scaled_down"]

LARGEST_SIDE = 2048
"""Larger scenes are scaled down: patches need no more, and memory is finite."""

DARKEST, BRIGHTEST = 2.0**-14, 2.0**15
"""Range of normalised radiance, 11.5 stops below the scene's mean and 17.5 above: what half
precision, in which scenes are kept, holds with its full 11 bits."""

_SUFFIXES = {
    "hdr": (".hdr", ".exr"),
    "photo": (".jpg", ".jpeg", ".png", ".tif", ".tiff"),
}
_MEAN = 0.18


def find_images(folder: str | Path, *, kind: str) -> tuple[Path, ...]:
    """All files of `kind` ("hdr" or "photo") in `folder` and below, sorted.

    Raises:
        InputError: no such folder, or no such file in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError("no such folder", path=folder)
    suffixes = _SUFFIXES[kind]
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    if not found:
        raise InputError(f"holds no {', '.join(suffixes)} file", path=folder)
    return tuple(found)


def read_scenes(folder: str | Path, *, kind: str) -> Iterator[Scene]:
    """Read the images of a folder one after the other.

    Args:
        folder: where they lie.
        kind: "hdr" for radiance maps, "photo" for photographs, which are lifted.

    Yields:
        Scenes in half precision, whose geometric mean is 0.18.

    Raises:
        InputError: see `find_images`; or a file cannot be read, or is black.
    """
    folder = Path(folder)
    read = _READERS[kind]
    for path in find_images(folder, kind=kind):
        pixels = read(path)
        name = path.relative_to(folder).with_suffix("").as_posix()
        yield Scene(name, normalised(pixels, path=path).astype(np.float16))


def normalised(radiance: FloatArray, *, path: Path | None = None) -> FloatArray:
    """Scale radiance to a geometric mean of 0.18, limited to [2^-14, 2^15].

    Args:
        radiance: (H, W, 3) linear, any unit, finite, ≥ 0.
        path: for the message.

    Raises:
        InputError: nothing in it is above zero.
    """
    level = radiance.mean(axis=2, dtype=np.float64)
    lit = level[level > 0.0]
    if not lit.size:
        raise InputError("the scene is black", path=path)
    # Below 1e-6 of the brightest lies no signal; black borders must not lift the rest.
    mean = np.exp(np.log(np.maximum(lit, lit.max() * 1e-6)).mean())
    scaled: FloatArray = np.clip(radiance * np.float32(_MEAN / mean), DARKEST, BRIGHTEST)
    return scaled.astype(np.float32)


def scaled_down(pixels: FloatArray, largest_side: int) -> FloatArray:
    """Average areas until no side of (H, W, 3) `pixels` is longer than `largest_side`."""
    import torch
    from torch.nn import functional

    height, width = pixels.shape[:2]
    factor = largest_side / max(height, width)
    if factor >= 1.0:
        return pixels
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    planes = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None]
    small = functional.interpolate(planes, size=size, mode="area")
    return small[0].permute(1, 2, 0).contiguous().numpy()


def _radiance(path: Path) -> FloatArray:
    from ahdr_cli.io import read_hdr

    return scaled_down(read_hdr(path).pixels, LARGEST_SIDE)


def _photograph(path: Path) -> FloatArray:
    from ahdr_cli.io import read_frame
    from ahdr_cli.training.photo import lift_photo

    return lift_photo(scaled_down(read_frame(path).pixels, LARGEST_SIDE))


_READERS: dict[str, Callable[[Path], FloatArray]] = {
    "hdr": _radiance,
    "photo": _photograph,
}
