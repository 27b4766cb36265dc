"""`--data KIND:PATH[=WEIGHT]`: from words to an engine.

===========================  =======================================================
kind                         what PATH holds
===========================  =======================================================
``packed``                   shards that `ahdr data pack` wrote, or one of them
``hdr``                      radiance maps (.hdr, .exr)
``photo``                    photographs, lifted to radiance
``kalantari`` or ``synth``   scene folders of Kalantari's layout
===========================  =======================================================

From the first three, brackets are synthesised; the last are cut into patches as they are.
Each sample comes from one source, chosen by the seed and the sample's index in proportion to the
weights (default 1). `packed` needs only torch, numpy and safetensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch

from ahdr_cli.errors import InputError, UsageError
from ahdr_cli.training.batch import Engine
from ahdr_cli.training.captured import CapturedEngine
from ahdr_cli.training.mixture import MixedEngine
from ahdr_cli.training.recipe import Recipe
from ahdr_cli.training.scenes import Scene, SceneStore
from ahdr_cli.training.synthesis import SynthesisEngine

__all__ = ["KINDS", "Source", "image_scenes", "open_engine", "parse_source"]

KINDS = ("packed", "hdr", "photo", "kalantari", "synth")
"""The words before the colon."""

T = TypeVar("T")

_CAPTURED = ("kalantari", "synth")
_HINT = "give KIND:PATH or KIND:PATH=WEIGHT, such as hdr:maps=0.7; kinds are " + ", ".join(KINDS)


@dataclass(frozen=True, slots=True)
class Source:
    """One ``KIND:PATH[=WEIGHT]``.

    Attributes:
        kind: one of `KINDS`.
        path: of the data.
        weight: > 0, share of the samples in proportion to the other sources' weights.
    """

    kind: str
    path: Path
    weight: float = 1.0


def parse_source(text: str) -> Source:
    """Take ``KIND:PATH[=WEIGHT]`` apart.

    An ending ``=…`` that is no number belongs to the path.

    Raises:
        UsageError: an unknown kind, no path, or a weight that is not above zero.
    """
    kind, separator, rest = text.partition(":")
    if not separator or kind not in KINDS:
        raise UsageError(f"{text!r} is no source of data", hint=_HINT)
    path, separator, number = rest.rpartition("=")
    weight = _number(number) if separator else None
    if weight is None:
        path, weight = rest, 1.0
    if not path:
        raise UsageError(f"{text!r} names no path", hint=_HINT)
    if not (math.isfinite(weight) and weight > 0.0):
        raise UsageError(f"{text!r} has weight {number}, expected a number above 0", hint=_HINT)
    return Source(kind, Path(path), weight)


def open_engine(
    sources: Sequence[str],
    *,
    seed: int,
    recipe: Recipe,
    device: torch.device | str,
    on_scene: Callable[[int, int], None] | None = None,
) -> Engine:
    """Make one engine of all sources.

    Args:
        sources: at least one ``KIND:PATH[=WEIGHT]``.
        seed: of the samples, ≥ 0.
        recipe: of the synthetic brackets.
        device: where batches are made.
        on_scene: called with (done, total) before the first scene is read from an image file, and
            after each; never for shards, which open at once.

    Raises:
        UsageError: a source cannot be understood.
        InputError: a source cannot be read, or is empty.
    """
    parsed = [parse_source(text) for text in sources]
    if not parsed:
        raise UsageError("no sources of data", hint=_HINT)
    tally = _Tally(parsed, on_scene)
    engines: list[Engine] = []
    weights: list[float] = []
    synthetic = [source for source in parsed if source.kind not in _CAPTURED]
    if synthetic:
        # One store for all, so that objects come from every source's scenes.
        scenes, shares = _gather(synthetic, tally)
        store = SceneStore(scenes, device=device, source_weights=shares)
        engines.append(SynthesisEngine(store, seed=seed, recipe=recipe))
        weights.append(sum(source.weight for source in synthetic))
    for source in parsed:
        if source.kind in _CAPTURED:
            # Imported here: it reads image files, which a bare machine cannot.
            from ahdr_cli.training.captured_files import read_brackets

            brackets = list(tally.counted(read_brackets(source.path)))
            engines.append(CapturedEngine(brackets, seed=seed, device=device))
            weights.append(source.weight)
    return engines[0] if len(engines) == 1 else MixedEngine(engines, weights=weights, seed=seed)


class _Tally:
    """Counts the scenes that are read from image files, over all sources."""

    def __init__(
        self, sources: Sequence[Source], on_scene: Callable[[int, int], None] | None
    ) -> None:
        self._on_scene = on_scene
        self._done = 0
        self._total = (
            0 if on_scene is None else sum(len(image_scenes(source)) for source in sources)
        )
        if on_scene is not None and self._total:
            on_scene(0, self._total)

    def counted(self, scenes: Iterable[T]) -> Iterator[T]:
        """The same scenes; each is counted when it has been read."""
        for scene in scenes:
            self._done += 1
            if self._on_scene is not None:
                self._on_scene(self._done, self._total)
            yield scene


def image_scenes(source: Source) -> Sequence[Path]:
    """The files or folders of the scenes that are read from image files; of shards there are none.

    Raises:
        InputError: the folder cannot be listed, or holds no scenes.
    """
    if source.kind == "packed":
        return ()
    # Imported here: they belong to what reads image files, which a bare machine cannot.
    if source.kind in _CAPTURED:
        from ahdr_cli.io.kalantari import find_scenes

        return [scene.path for scene in find_scenes(source.path)]
    from ahdr_cli.training.scene_files import find_images

    return find_images(source.path, kind=source.kind)


def _gather(sources: Sequence[Source], tally: _Tally) -> tuple[list[Scene], list[float]]:
    """All scenes, and the weight of each `Scene.source` number in them."""
    scenes: list[Scene] = []
    weights: list[float] = []
    for source in sources:
        found, shares = _open_scenes(source, tally)
        if not found:
            raise InputError("holds no scenes", path=source.path)
        scenes += [replace(scene, source=scene.source + len(weights)) for scene in found]
        weights += [source.weight * share / sum(shares) for share in shares]
    return scenes, weights


def _open_scenes(source: Source, tally: _Tally) -> tuple[list[Scene], list[float]]:
    """The scenes of one source, and the weights of the parts that it consists of."""
    if source.kind == "packed":
        from ahdr_cli.training.shards import read_shards

        return read_shards(source.path)
    from ahdr_cli.training.scene_files import read_scenes

    return list(tally.counted(read_scenes(source.path, kind=source.kind))), [1.0]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
