"""The folder layout of Kalantari & Ramamoorthi's dataset (SIGGRAPH 2017), which ours shares.

A scene is a folder with three 16-bit TIFFs, whose names sort in the order of the lines of
``exposure.txt`` (one EV a line), and the ground truth ``HDRImg.hdr``: radiance in the geometry
of the middle exposure, in units of the shortest frame's white, clipped to [0, 1]. Synthetic
sets add the same truth without RGBE's rounding (``HDRImg.exr``) and how the scene was made
(``scene.json``). Only names are known here; :mod:`ahdr_cli.bracket` reads the exposures.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ahdr_cli.errors import InputError, UnreadableImageError
from ahdr_cli.images import FloatArray
from ahdr_cli.natural_order import natural_key

__all__ = ["SceneFolder", "find_scenes", "open_scene", "read_labels", "read_truth"]

EXPOSURES = "exposure.txt"
TRUTHS = ("HDRImg.exr", "HDRImg.hdr")  # in order of preference: the first is lossless
LABELS = "scene.json"
FRAME_SUFFIXES = (".tif", ".tiff")

_LAYOUT = "expected three .tif frames, exposure.txt and HDRImg.hdr in the folder of a scene"


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFolder:
    """Where the parts of one scene are.

    Attributes:
        path: the folder.
        frames: in the order of the lines of the exposure file.
        exposures: text file with one EV a line.
        truth: radiance file, or None if the scene has none.
        labels: JSON file that says how a synthetic scene was made, or None.
    """

    path: Path
    frames: tuple[Path, Path, Path]
    exposures: Path
    truth: Path | None
    labels: Path | None

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name


def find_scenes(folder: str | Path) -> tuple[SceneFolder, ...]:
    """All scenes in `folder` and its sub-folders, sorted by path.

    A scene is a folder that holds ``exposure.txt`` or a ground truth; `folder` itself may be one.
    One that lacks the other parts is an error: passed over, it would change the figures of a set
    without a word.

    Raises:
        InputError: no such folder, no scene in it, or a scene that is not complete.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError("no such folder", path=folder)
    found = sorted({path.parent for name in (EXPOSURES, *TRUTHS) for path in folder.rglob(name)})
    if not found:
        raise InputError("holds no scene of Kalantari's layout", path=folder, hint=_LAYOUT)
    return tuple(open_scene(path) for path in found)


def open_scene(folder: str | Path) -> SceneFolder:
    """The parts of the scene in `folder`.

    Raises:
        InputError: the exposures are missing, or there are not exactly three frames.
    """
    folder = Path(folder)
    found = (path for path in folder.glob("*") if path.suffix.lower() in FRAME_SUFFIXES)
    names = sorted(found, key=natural_key)
    if len(names) != 3:
        raise InputError(f"{len(names)} .tif frames, expected 3", path=folder, hint=_LAYOUT)
    if not (folder / EXPOSURES).is_file():
        raise InputError(f"{EXPOSURES} is missing", path=folder, hint=_LAYOUT)
    short, middle, long = names
    truths = (folder / name for name in TRUTHS)
    labels = folder / LABELS
    return SceneFolder(
        path=folder,
        frames=(short, middle, long),
        exposures=folder / EXPOSURES,
        truth=next((path for path in truths if path.is_file()), None),
        labels=labels if labels.is_file() else None,
    )


def read_truth(scene: SceneFolder) -> FloatArray:
    """The ground truth: (H, W, 3) float32 in units of the shortest frame's white, in [0, 1].

    Raises:
        InputError: the scene has none.
        UnreadableImageError: it is damaged.
    """
    from ahdr_cli.io import read_hdr

    if scene.truth is None:
        raise InputError("the scene has no ground truth", path=scene.path, hint=_LAYOUT)
    return np.clip(read_hdr(scene.truth).pixels, np.float32(0), np.float32(1))


def read_labels(scene: SceneFolder) -> dict[str, Any]:
    """What ``scene.json`` says, {} if there is none.

    Raises:
        UnreadableImageError: the file is not a JSON object.
    """
    if scene.labels is None:
        return {}
    try:
        value = json.loads(scene.labels.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableImageError("is not readable as JSON", path=scene.labels) from error
    if not isinstance(value, dict):
        raise UnreadableImageError("does not hold a JSON object", path=scene.labels)
    return value
