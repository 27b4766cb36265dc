"""`--data KIND:DIR`: scenes to evaluate on, read one at a time.

==========================  ==================================================  ==========
kind                        what DIR holds                                      truth
==========================  ==================================================  ==========
``kalantari`` or ``synth``  scene folders of Kalantari's layout                 HDRImg
``hdr``                     radiance maps, photographed here without motion     the map
``brackets``                a folder of three photographs for each bracket      none
==========================  ==================================================  ==========

``synth`` names the sets that `ahdr data synth` writes; they have the same layout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ahdr_cli.bracket import Bracket, Selection, read_ev_file, with_exposures
from ahdr_cli.captured_scene import read_scene_bracket, read_scene_truth
from ahdr_cli.errors import InputError, UsageError
from ahdr_cli.evaluation.capture import photograph
from ahdr_cli.images import FloatArray
from ahdr_cli.io import read_frames, read_hdr
from ahdr_cli.io.kalantari import EXPOSURES, SceneFolder, find_scenes, read_labels
from ahdr_cli.natural_order import natural_key

__all__ = ["KINDS", "Dataset", "EvaluationScene", "SceneReader", "open_dataset"]

_HDR_SUFFIXES = (".hdr", ".exr")
_PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EvaluationScene:
    """A bracket and what is known of it.

    Attributes:
        name: short, unique within its data set.
        bracket: three frames.
        truth: (H, W, 3) float32 in the reference's geometry, in units of the shortest
            frame's white, clipped to [0, 1]; None if unknown.
        labels: how a synthetic scene was made; {} if unknown.
    """

    name: str
    bracket: Bracket
    truth: FloatArray | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SceneReader:
    """A scene that is read when it is asked for.

    Attributes:
        name: of the scene, see `EvaluationScene`.
        read: reads it.
        has_truth: whether the scene has a ground truth.
    """

    name: str
    read: Callable[[], EvaluationScene]
    has_truth: bool = True


@dataclass(frozen=True, slots=True)
class Dataset:
    """Scenes that are read when they are asked for.

    Attributes:
        spec: ``KIND:DIR`` as the user gave it.
        readers: one for each scene.
    """

    spec: str
    readers: tuple[SceneReader, ...]

    @property
    def label(self) -> str:
        """``KIND:DIR`` without the folders above DIR: results travel, and folders are private."""
        kind, separator, folder = self.spec.partition(":")
        return f"{kind}{separator}{Path(folder).resolve().name}"

    def __len__(self) -> int:
        return len(self.readers)

    def __iter__(self) -> Iterator[EvaluationScene]:
        return (reader.read() for reader in self.readers)


def open_dataset(spec: str, *, limit: int | None = None) -> Dataset:
    """Find the scenes of ``KIND:DIR``.

    Args:
        spec: see the module's docstring.
        limit: take only the first so many.

    Raises:
        UsageError: no such kind.
        InputError: no such folder, or no scene in it.
    """
    kind, separator, folder = spec.partition(":")
    if not separator or kind not in KINDS or not folder:
        raise UsageError(
            f"data must be KIND:DIR, got {spec!r}", hint=f"kinds are {', '.join(KINDS)}"
        )
    path = Path(folder)
    if not path.is_dir():
        raise InputError("no such folder", path=path)
    readers = tuple(KINDS[kind](path))
    return Dataset(spec=spec, readers=readers if limit is None else readers[:limit])


def _kalantari(folder: Path) -> Sequence[SceneReader]:
    return [
        SceneReader(
            _relative_name(scene.path, folder),
            partial(_read_scene, scene, folder),
            has_truth=scene.truth is not None,
        )
        for scene in find_scenes(folder)
    ]


def _read_scene(scene: SceneFolder, root: Path) -> EvaluationScene:
    bracket = read_scene_bracket(scene)
    truth = None if scene.truth is None else read_scene_truth(scene, bracket)
    return EvaluationScene(
        name=_relative_name(scene.path, root),
        bracket=bracket,
        truth=truth,
        labels=read_labels(scene),
    )


def _hdr(folder: Path) -> Sequence[SceneReader]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _HDR_SUFFIXES)
    if not paths:
        raise InputError("holds no .hdr or .exr file", path=folder)
    return [
        SceneReader(_relative_name(path.with_suffix(""), folder), partial(_read_map, path, folder))
        for path in paths
    ]


def _read_map(path: Path, root: Path) -> EvaluationScene:
    name = _relative_name(path.with_suffix(""), root)
    bracket, truth = photograph(np.asarray(read_hdr(path).pixels, np.float32), name=name)
    return EvaluationScene(name=name, bracket=bracket, truth=truth, labels={"motion": "static"})


def _brackets(folder: Path) -> Sequence[SceneReader]:
    found = (folder, *sorted(path for path in folder.rglob("*") if path.is_dir()))
    sets = {path: photos for path in found if (photos := _photographs(path))}
    if not sets:
        raise InputError("holds no photographs", path=folder)
    return [
        SceneReader(
            _relative_name(path, folder),
            partial(_read_photographs, path, photos, folder),
            has_truth=False,
        )
        for path, photos in sets.items()
    ]


def _photographs(folder: Path) -> list[Path]:
    found = (path for path in folder.glob("*") if path.suffix.lower() in _PHOTO_SUFFIXES)
    return sorted(found, key=natural_key)


def _read_photographs(folder: Path, photographs: list[Path], root: Path) -> EvaluationScene:
    frames = tuple(read_frames(photographs))
    listed = folder / EXPOSURES
    if listed.is_file():
        frames = with_exposures(frames, read_ev_file(listed, count=len(frames)))
    bracket = Selection.of(frames, extend=False).bracket
    return EvaluationScene(name=_relative_name(folder, root), bracket=bracket)


def _relative_name(path: Path, root: Path) -> str:
    """The path below `root`; the root's own name for the root itself."""
    relative = path.relative_to(root)
    return relative.as_posix() if relative.parts else root.resolve().name


KINDS: Mapping[str, Callable[[Path], Sequence[SceneReader]]] = MappingProxyType(
    {"kalantari": _kalantari, "synth": _kalantari, "hdr": _hdr, "brackets": _brackets}
)
"""How to find the scenes of each kind."""
