"""`check_dataset`: what is broken in a folder of training or test data.

Nothing is repaired. Folders of Kalantari's layout are checked scene by scene: whether all parts
are there and readable, and whether they belong together, since a truth of another scene, with
shifted exposures or in another unit reads perfectly well and spoils the training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ahdr_cli.bracket import Bracket, read_ev_file, with_exposures
from ahdr_cli.errors import AhdrError, InputError
from ahdr_cli.images import FloatArray, Frame
from ahdr_cli.io import read_frame, read_hdr
from ahdr_cli.io.guard import MAX_PIXELS
from ahdr_cli.io.kalantari import EXPOSURES, FRAME_SUFFIXES, TRUTHS
from ahdr_cli.io.readers import HDR_READERS
from ahdr_cli.io.sniff import sniff
from ahdr_cli.natural_order import natural_key
from ahdr_cli.radiometry.transfer import gamma_decode
from ahdr_cli.training.scene_files import normalised
from ahdr_cli.training.shards import read_shards

__all__ = ["DatasetReport", "Problem", "check_dataset"]

_HDR_SUFFIXES = (".hdr", ".exr")
_SMALLEST_SIDE = 64
# Encoded values between which a frame tells radiance well.
_WELL_EXPOSED = (0.15, 0.9)
_ENOUGH_PIXELS = 500
_LARGEST_OFFSET = 0.5  # stops between a frame and the truth, on the median
_LARGEST_SCATTER = 0.5  # stops, median absolute deviation in the reference
_WHITE = 1.001  # RGBE rounds up


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is broken.

    Attributes:
        path: of the file or folder.
        message: what is wrong with it.
    """

    path: Path
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport:
    """The result of a check.

    Attributes:
        kind: ``kalantari``, ``packed`` or ``hdr``.
        items: number of scenes, shards or radiance maps that were looked at.
        problems: in the order of the paths.
    """

    kind: str
    items: int
    problems: tuple[Problem, ...]


def check_dataset(
    folder: str | Path, *, on_item: Callable[[int, int], None] | None = None
) -> DatasetReport:
    """Check a folder of scenes in Kalantari's layout, of shards, or of radiance maps.

    Args:
        folder: what it is is seen from what it holds, in this order.
        on_item: told (done, total) after each scene, set of shards or map.

    Raises:
        InputError: no such folder, or none of these in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError("no such folder", path=folder)
    kind, items, check = _contents(folder)
    problems: list[Problem] = []
    for done, item in enumerate(items, start=1):
        problems += check(item)
        if on_item is not None:
            on_item(done, len(items))
    return DatasetReport(kind=kind, items=len(items), problems=tuple(problems))


def _contents(folder: Path) -> tuple[str, list[Path], Callable[[Path], Iterator[Problem]]]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    marks = (EXPOSURES, *TRUTHS)
    scenes = {
        path.parent for path in files if path.name in marks or path.suffix.lower() in FRAME_SUFFIXES
    }
    if scenes:
        return "kalantari", sorted(scenes), _check_scene
    if any(folder.glob("shard-*.safetensors")):
        return "packed", [folder], _check_shards
    maps = [path for path in files if path.suffix.lower() in _HDR_SUFFIXES]
    if maps:
        return "hdr", maps, partial(_check_radiance, largest=None)
    raise InputError(
        "holds no scenes of Kalantari's layout, no shards and no radiance maps", path=folder
    )


def _check_shards(folder: Path) -> Iterator[Problem]:
    try:
        read_shards(folder)
    except AhdrError as error:
        yield _problem(error, folder)


def _check_scene(folder: Path) -> Iterator[Problem]:
    frames: list[Frame] = []
    paths = sorted(
        (path for path in folder.glob("*") if path.suffix.lower() in FRAME_SUFFIXES),
        key=natural_key,
    )
    if len(paths) != 3:
        yield Problem(folder, f"{len(paths)} .tif frames, expected 3")
    for path in paths:
        try:
            frames.append(read_frame(path))
        except AhdrError as error:
            yield _problem(error, path)
            continue
        if frames[-1].metadata.bit_depth != 16:
            yield Problem(path, f"has {frames[-1].metadata.bit_depth} bits, expected 16")
        if np.ptp(frames[-1].pixels) == 0.0:
            yield Problem(path, f"every pixel is {frames[-1].pixels.flat[0]:g}")

    bracket = None
    if not (folder / EXPOSURES).is_file():
        yield Problem(folder, f"{EXPOSURES} is missing")
    else:
        try:
            exposures = read_ev_file(folder / EXPOSURES, count=3)
            if len(frames) == len(paths) == 3:
                bracket = Bracket.from_frames(with_exposures(frames, exposures))
        except AhdrError as error:
            yield _problem(error, folder)

    found = [folder / name for name in TRUTHS if (folder / name).is_file()]
    if not found:
        yield Problem(folder, f"{TRUTHS[-1]} is missing")
    for path in found:
        wrong = list(_check_radiance(path, largest=_WHITE))
        yield from wrong
        if bracket is not None and not wrong:
            yield from _check_agreement(bracket, read_hdr(path).pixels, path)


def _check_radiance(path: Path, *, largest: float | None) -> Iterator[Problem]:
    """A radiance file by itself; `largest` is what its values may reach."""
    try:
        pixels = HDR_READERS[sniff(path)](path, max_pixels=MAX_PIXELS).pixels
    except KeyError:
        yield Problem(path, "is no HDR image")
        return
    except AhdrError as error:
        yield _problem(error, path)
        return
    finite = np.isfinite(pixels)
    if not finite.all():
        yield Problem(path, f"{np.count_nonzero(~finite)} values are NaN or infinite")
    valid = pixels[finite]
    # Lossy compression leaves values a little below zero; those are read as zero.
    if valid.size and valid.min() < -1e-3 * valid.max(initial=0.0):
        yield Problem(path, f"values reach down to {valid.min():.3g}, expected 0")
    if largest is not None and valid.size and valid.max() > largest:
        yield Problem(
            path,
            f"values reach {valid.max():.4g}, expected at most 1, the shortest frame's white",
        )
    if min(pixels.shape[:2]) < _SMALLEST_SIDE:
        height, width = pixels.shape[:2]
        yield Problem(path, f"is {width}x{height}, expected {_SMALLEST_SIDE} pixels a side")
    try:
        normalised(np.maximum(np.where(finite, pixels, 0), 0).astype(np.float32))
    except AhdrError as error:
        yield _problem(error, path)


def _check_agreement(bracket: Bracket, truth: FloatArray, path: Path) -> Iterator[Problem]:
    """Whether the frames show the radiance that the truth claims."""
    if truth.shape[:2] != bracket.size:
        yield Problem(
            path,
            f"is {truth.shape[1]}x{truth.shape[0]}, "
            f"the frames are {bracket.size[1]}x{bracket.size[0]}",
        )
        return
    low, high = _WELL_EXPOSED
    for frame, ratio in zip(bracket.frames, bracket.ratios, strict=True):
        shown = frame.pixels
        usable = (shown > low) & (shown < high) & (truth > 0)
        if np.count_nonzero(usable) < _ENOUGH_PIXELS:
            continue
        stops = np.log2(gamma_decode(shown[usable]) / np.float32(ratio) / truth[usable])
        offset = float(np.median(stops))
        if abs(offset) > _LARGEST_OFFSET:
            yield Problem(
                path,
                f"is {abs(offset):.1f} EV {'darker' if offset > 0 else 'brighter'} than "
                f"{Path(frame.name).name} under its exposure of {np.log2(ratio):g} EV",
            )
        # Things may have moved in the others.
        scatter = float(np.median(np.abs(stops - offset)))
        if frame is bracket.reference and scatter > _LARGEST_SCATTER:
            yield Problem(
                path,
                f"does not show what {Path(frame.name).name} shows: "
                f"they differ by {scatter:.1f} EV on the median",
            )


def _problem(error: AhdrError, path: Path) -> Problem:
    return Problem(error.path or path, error.message)
