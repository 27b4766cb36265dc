"""The walk over all scenes and methods."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ahdr_cli._version import __version__
from ahdr_cli.errors import InputError, UsageError
from ahdr_cli.evaluation.causes import CauseMap, CauseShare, cause_map, split_error
from ahdr_cli.evaluation.consistency import Consistency, measure_consistency
from ahdr_cli.evaluation.datasets import Dataset, EvaluationScene
from ahdr_cli.evaluation.measures import Measure, Viewing
from ahdr_cli.evaluation.methods import Method, to_shortest_white
from ahdr_cli.evaluation.results import Column, Evaluation, SceneResult
from ahdr_cli.images import FloatArray

__all__ = ["CONSISTENCY_COLUMNS", "Visit", "evaluate"]

CONSISTENCY_COLUMNS = {
    "consistency": Column(heading="consistency dB", decimals=2),
    "consistency-short": Column(heading="with short dB", decimals=2),
    "consistency-long": Column(heading="with long dB", decimals=2),
    "ghosts": Column(heading="ghosts %", decimals=2, smaller_is_better=True),
    "compared": Column(heading="compared %", decimals=1),
}
"""What consistency adds to the table: PSNR of the radiance, exposed like each frame, against
that frame; then the shares of ghosts in what can be compared and of what can be compared."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Visit:
    """One scene with all results, shown to `on_scene` while they are in memory.

    Attributes:
        scene: what was merged.
        radiance: method → (H, W, 3), 1.0 = white of the reference frame; a picture for
            methods that make one.
        results: method → numbers.
        pictures: the methods that make a picture.
    """

    scene: EvaluationScene
    radiance: Mapping[str, FloatArray]
    results: Mapping[str, SceneResult]
    pictures: frozenset[str] = frozenset()


def evaluate(
    datasets: Sequence[Dataset],
    methods: Sequence[Method],
    measures: Sequence[Measure],
    *,
    viewing: Viewing | None = None,
    consistency: bool = False,
    on_scene: Callable[[Visit], None] | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Merge every scene by every method and measure.

    Whole images, no border crop, no renormalisation.

    Args:
        datasets: at least one scene between them.
        methods: at least one, names all different.
        measures: what needs ground truth; scenes must have it unless this is empty.
        viewing: display and distance for the perceptual measures.
        consistency: also compare with the frames themselves, which needs no truth.
        on_scene: called after each scene with everything in memory.
        on_step: called with merges done and their total.

    Raises:
        UsageError: no methods, two of one name, or nothing to measure.
        InputError: a scene has no ground truth although `measures` need it, or a method that only
            reads results has none for it. Both are found out before anything is merged.
        MissingDependencyError: a measure needs a package that is not installed.
    """
    names = [method.name for method in methods]
    if not methods:
        raise UsageError("no method to score", hint="pass --model, --baseline or --results")
    if len(set(names)) < len(names):
        raise UsageError(
            f"methods must have different names, got {', '.join(names)}",
            hint="give --results a name of its own with NAME=DIR",
        )
    if not measures and not consistency:
        raise UsageError("nothing to measure", hint="choose a metric, or pass --no-reference")
    for measure in measures:
        measure.check()
    viewing = viewing or Viewing()
    _check_scenes(datasets, methods, truths=bool(measures))
    pictures = frozenset(method.name for method in methods if method.is_picture)
    total = sum(len(dataset) for dataset in datasets) * len(methods)
    results: list[SceneResult] = []
    for dataset in datasets:
        for scene in dataset:
            causes = None
            if scene.truth is not None and measures:
                causes = cause_map(scene.bracket, scene.truth, labels=scene.labels)
            radiance: dict[str, FloatArray] = {}
            rows: dict[str, SceneResult] = {}
            for method in methods:
                started = time.perf_counter()
                radiance[method.name] = method(scene)
                seconds = None if method.check else time.perf_counter() - started
                row = _measure(
                    scene,
                    method,
                    radiance[method.name],
                    measures=measures,
                    causes=causes,
                    viewing=viewing,
                    consistency=consistency,
                )
                rows[method.name] = replace(row, seconds=seconds)
                results.append(_without_maps(rows[method.name]))
                if on_step is not None:
                    on_step(len(results), total)
            if on_scene is not None:
                on_scene(Visit(scene=scene, radiance=radiance, results=rows, pictures=pictures))
    return Evaluation(
        data=tuple(dataset.label for dataset in datasets),
        methods={method.name: method.summary for method in methods},
        columns={measure.key: measure.column for measure in measures}
        | (CONSISTENCY_COLUMNS if consistency else {}),
        settings={"ahdr": __version__, **viewing.to_dict()},
        results=tuple(results),
    )


def _check_scenes(datasets: Sequence[Dataset], methods: Sequence[Method], *, truths: bool) -> None:
    for reader in (reader for dataset in datasets for reader in dataset.readers):
        if truths and not reader.has_truth:
            raise InputError(
                "the scene has no ground truth",
                path=reader.name,
                hint="pass --no-reference to measure consistency instead",
            )
        for method in methods:
            if method.check is not None:
                method.check(reader.name)


def _measure(
    scene: EvaluationScene,
    method: Method,
    radiance: FloatArray,
    *,
    measures: Sequence[Measure],
    causes: CauseMap | None,
    viewing: Viewing,
    consistency: bool,
) -> SceneResult:
    bracket, truth = scene.bracket, scene.truth
    values: dict[str, float] = {}
    shares: dict[str, CauseShare] = {}
    if truth is not None and causes is not None:
        prediction = radiance if method.is_picture else to_shortest_white(radiance, bracket)
        for measure in measures:
            value = measure(
                prediction, truth, bracket, viewing=viewing, is_picture=method.is_picture
            )
            if value is not None:
                values[measure.key] = value
        if not method.is_picture:
            shares = split_error(prediction, truth, causes)
    checks: tuple[Consistency, ...] = ()
    if consistency and not method.is_picture:
        checks = tuple(measure_consistency(radiance, bracket, index=index) for index in range(3))
        values |= _consistency_values(*checks)
    return SceneResult(
        scene=scene.name,
        method=method.name,
        values=values,
        causes=shares,
        consistency=checks,
    )


def _consistency_values(
    short: Consistency, reference: Consistency, long: Consistency
) -> dict[str, float]:
    found = {
        "consistency": reference.psnr,
        "consistency-short": short.psnr,
        "consistency-long": long.psnr,
        "ghosts": 100 * reference.ghosts,
        "compared": 100 * reference.compared,
    }
    return {key: value for key, value in found.items() if value is not None}


def _without_maps(result: SceneResult) -> SceneResult:
    """Without the maps, which for all scenes together would not fit into memory."""
    return replace(result, consistency=tuple(item.without_map() for item in result.consistency))
