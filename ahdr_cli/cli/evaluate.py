"""`ahdr eval`: how good a model is, on which data, against what else one could use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ahdr_cli.cli.bracket_input import given_exposures, read_bracket
from ahdr_cli.cli.console import guarded, note, print_json, progress, stdout
from ahdr_cli.cli.evaluate_options import (
    BaselinesOption,
    CsvOption,
    DataOption,
    DiagonalOption,
    DistanceOption,
    FramesArgument,
    LimitOption,
    MetricsOption,
    ModelsOption,
    NoReferenceOption,
    PeakOption,
    PerSceneOption,
    ReportOption,
    ResolutionOption,
    ResultsOption,
    ResultsWhiteOption,
    ThumbnailOption,
)
from ahdr_cli.cli.options import (
    AlignOption,
    DeviceOption,
    EvFileOption,
    EvOption,
    ExposuresOption,
    JsonOption,
    OverwriteOption,
    PrecisionOption,
    QuietOption,
    ResponseOption,
    RuntimeOption,
    TileOption,
    merge_options,
)
from ahdr_cli.errors import UsageError

if TYPE_CHECKING:
    from ahdr_cli.evaluation.datasets import Dataset
    from ahdr_cli.evaluation.report import Report
    from ahdr_cli.evaluation.results import Evaluation
    from ahdr_cli.images import Exposure

__all__ = ["evaluate"]

NO_MODEL = "none"


@guarded
def evaluate(
    frames: FramesArgument = None,
    data: DataOption = None,
    models: ModelsOption = None,
    baselines: BaselinesOption = None,
    results: ResultsOption = None,
    results_white: ResultsWhiteOption = "shortest",
    metrics: MetricsOption = None,
    limit: LimitOption = None,
    no_reference: NoReferenceOption = False,
    report: ReportOption = None,
    thumbnail: ThumbnailOption = 300,
    csv: CsvOption = None,
    per_scene: PerSceneOption = False,
    exposures: ExposuresOption = None,
    ev: EvOption = None,
    ev_file: EvFileOption = None,
    peak: PeakOption = 1000.0,
    diagonal: DiagonalOption = 24.0,
    resolution: ResolutionOption = "1920x1080",
    distance: DistanceOption = 0.5,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    tile: TileOption = "auto",
    runtime: RuntimeOption = "auto",
    align: AlignOption = "off",
    response: ResponseOption = "auto",
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Score models and classical methods on scenes, in one table.

    Whole images, no border crop, no renormalisation; means of per-image values. Radiance is
    compared in units of the shortest frame's white, clipped to 1 like the ground truth.
    """
    paths, specs, wanted = frames or [], data or [], baselines or []
    _check_usage(paths, specs, no_reference=no_reference, metrics=metrics)
    given = given_exposures(exposures, ev, ev_file, len(paths)) if paths else None
    screen = _parse_resolution(resolution)

    from ahdr_cli.evaluation.datasets import open_dataset
    from ahdr_cli.evaluation.elsewhere import results_method
    from ahdr_cli.evaluation.evaluate import evaluate as run
    from ahdr_cli.evaluation.measures import (
        DEFAULT_MEASURES,
        PICTURE_MEASURES,
        Viewing,
        select_measures,
    )
    from ahdr_cli.evaluation.methods import FLOW, select_baselines
    from ahdr_cli.evaluation.networks import attention_readers, network_methods
    from ahdr_cli.evaluation.report import Report, check_folder
    from ahdr_cli.io import check_output
    from ahdr_cli.metrics.display import Display

    classical = select_baselines(wanted)
    elsewhere = [results_method(spec, white=results_white) for spec in results or []]
    if metrics is None:
        chosen = [*DEFAULT_MEASURES]
        chosen += PICTURE_MEASURES if any(m.is_picture for m in classical) else []
        metrics = ",".join(chosen)
    measures = () if no_reference else select_measures(metrics)
    viewing = Viewing(
        display=Display(peak=peak, diagonal=diagonal, resolution=screen, distance=distance),
        device=_metric_device(device),
    )
    if report is not None:
        check_folder(report, overwrite=overwrite)
    if csv is not None:
        check_output(csv, overwrite=overwrite, suffixes=(".csv",))

    datasets = [open_dataset(spec, limit=limit) for spec in specs]
    if paths:
        datasets.append(_single(paths, given))
    options = merge_options(
        device=device,
        precision=precision,
        tile=tile,
        runtime=runtime,
        align=align,
        response=response,
    )
    default = [] if elsewhere else ["ahdrnet"]
    names = [name for name in (models or default) if name != NO_MODEL]
    networks = network_methods(
        names, options=options, flow=FLOW in wanted or ("all" in wanted and bool(names))
    )
    page = None
    if report is not None:
        page = Report(attention=attention_readers(names, options=options), width=thumbnail)
    with progress("evaluating", quiet=quiet or as_json) as on_step:
        found = run(
            datasets,
            (*networks, *elsewhere, *classical),
            measures,
            viewing=viewing,
            consistency=no_reference,
            on_scene=page.add if page is not None else None,
            on_step=on_step,
        )
    _write(found, page, report, csv, overwrite=overwrite)
    if as_json:
        print_json(found.to_dict())
        return
    _print_tables(found, per_scene=per_scene)
    if not quiet:
        for path in (csv, None if report is None else report / "index.html"):
            if path is not None:
                note(f"wrote {path}")


def _check_usage(
    paths: list[Path], specs: list[str], *, no_reference: bool, metrics: str | None
) -> None:
    if not paths and not specs:
        raise UsageError("no data", hint="pass --data KIND:DIR, or --no-reference LOW MID HIGH")
    if paths and not no_reference:
        raise UsageError(
            "a bracket of its own has no ground truth", hint="pass --no-reference as well"
        )
    if no_reference and metrics is not None:
        raise UsageError("--metrics need a ground truth and --no-reference has none")


def _parse_resolution(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise UsageError(f"--resolution must be WIDTHxHEIGHT such as 1920x1080, got {text!r}")
    return int(width), int(height)


def _metric_device(name: str) -> str:
    """The device of the heavy metrics, which need float64: MPS has none."""
    from ahdr_cli.inference.devices import select_device

    found = str(select_device(name))
    return found if found.startswith("cuda") else "cpu"


def _single(paths: list[Path], given: tuple[Exposure, ...] | None) -> Dataset:
    from ahdr_cli.evaluation.datasets import Dataset, EvaluationScene, SceneReader

    bracket = read_bracket(paths, given)
    name = " ".join(Path(frame.name).name for frame in bracket.frames)
    return Dataset(
        spec=f"brackets:{paths[0].parent}",
        readers=(
            SceneReader(name, lambda: EvaluationScene(name=name, bracket=bracket), has_truth=False),
        ),
    )


def _write(
    found: Evaluation,
    page: Report | None,
    report: Path | None,
    csv: Path | None,
    *,
    overwrite: bool,
) -> None:
    from ahdr_cli.io import atomic_path

    if page is not None and report is not None:
        page.write(report, found, overwrite=overwrite)
    if csv is not None:
        with atomic_path(csv, overwrite=overwrite) as path:
            path.write_text(found.to_csv(), encoding="utf-8", errors="backslashreplace")


def _print_tables(found: Evaluation, *, per_scene: bool) -> None:
    from ahdr_cli.cli.tables import cause_table, mean_table, scene_table

    stdout().print(mean_table(found))
    if any(found.causes(method) for method in found.methods):
        stdout().print(cause_table(found))
    if per_scene:
        for key in found.columns:
            stdout().print(scene_table(found, key))
