"""`ahdr eval`: how good a model is, on which data, against what else one could use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ahdr_cli.cli.bracket_input import given_exposures, read_bracket
from ahdr_cli.cli.console import guarded, note, print_json, progress, stdout
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
    RuntimeOption,
    TileOption,
    parse_tile,
)
from ahdr_cli.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from ahdr_cli.bracket import Bracket
    from ahdr_cli.evaluation.datasets import Dataset
    from ahdr_cli.evaluation.methods import Method
    from ahdr_cli.evaluation.report import Report
    from ahdr_cli.evaluation.results import Evaluation
    from ahdr_cli.images import Exposure, FloatArray
    from ahdr_cli.merging import MergeOptions

__all__ = ["evaluate"]

NO_MODEL = "none"

_DATA = "Data and methods"
_OUTPUT = "Results"
_DISPLAY = "Display that the perceptual metrics assume"


@guarded
def evaluate(
    frames: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="LOW MID HIGH",
            help="One bracket instead of --data, with --no-reference.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="KIND:DIR",
            help="Scenes: kalantari:DIR, synth:DIR (from `ahdr data synth`), hdr:DIR (radiance "
            "maps, photographed without motion) or brackets:DIR (folders of photographs, no "
            "ground truth). Repeatable.",
            rich_help_panel=_DATA,
            show_default=False,
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="NAME|PATH",
            help="A model, repeatable; none leaves networks out. Default: ahdrnet.",
            rich_help_panel=_DATA,
            show_default=False,
        ),
    ] = None,
    baselines: Annotated[
        list[str] | None,
        typer.Option(
            "--baseline",
            metavar="NAME",
            help="reference, triangle, debevec, robertson, mtb-debevec, mertens, flow (optical "
            "flow, then each model) or all. Repeatable.",
            rich_help_panel=_DATA,
            show_default=False,
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="NAME,NAME,…",
            help="psnr-mu, psnr-l, ssim-mu, ssim-l, hdr-vdp-2, pu21-psnr, pu21-ssim, cvvdp, "
            "fused-psnr, fused-ssim, or all. Default: all that need nothing else and apply to "
            "radiance, and the fused ones if mertens takes part.",
            rich_help_panel=_DATA,
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=1,
            help="Only the first N scenes of each --data.",
            rich_help_panel=_DATA,
            show_default=False,
        ),
    ] = None,
    no_reference: Annotated[
        bool,
        typer.Option(
            "--no-reference",
            help="No ground truth: measure whether the merge, exposed again, gives its frames.",
            rich_help_panel=_DATA,
        ),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="DIR",
            help="Write a self-contained HTML page with pictures, and the numbers beside it.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    thumbnail: Annotated[
        int,
        typer.Option(
            "--thumbnail",
            metavar="PIXELS",
            min=16,
            help="Width of the report's pictures.",
            rich_help_panel=_OUTPUT,
        ),
    ] = 300,
    csv: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            metavar="PATH",
            help="Write one line for each scene and method.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    per_scene: Annotated[
        bool,
        typer.Option("--per-scene", help="Also print a table of scenes.", rich_help_panel=_OUTPUT),
    ] = False,
    exposures: ExposuresOption = None,
    ev: EvOption = None,
    ev_file: EvFileOption = None,
    peak: Annotated[
        float,
        typer.Option(
            "--peak",
            metavar="CD/M2",
            help="Luminance of white (of the shortest frame's white).",
            rich_help_panel=_DISPLAY,
        ),
    ] = 1000.0,
    diagonal: Annotated[
        float,
        typer.Option("--diagonal", metavar="INCHES", help="Screen.", rich_help_panel=_DISPLAY),
    ] = 24.0,
    resolution: Annotated[
        str,
        typer.Option("--resolution", metavar="WxH", help="Screen.", rich_help_panel=_DISPLAY),
    ] = "1920x1080",
    distance: Annotated[
        float,
        typer.Option(
            "--distance", metavar="METRES", help="Eye to screen.", rich_help_panel=_DISPLAY
        ),
    ] = 0.5,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    tile: TileOption = "auto",
    runtime: RuntimeOption = "auto",
    align: AlignOption = "off",
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
    from ahdr_cli.evaluation.evaluate import evaluate as run
    from ahdr_cli.evaluation.measures import (
        DEFAULT_MEASURES,
        PICTURE_MEASURES,
        Viewing,
        select_measures,
    )
    from ahdr_cli.evaluation.methods import select_baselines
    from ahdr_cli.evaluation.report import Report, check_folder
    from ahdr_cli.io import check_output
    from ahdr_cli.merging import MergeOptions
    from ahdr_cli.metrics.display import Display

    classical = select_baselines(wanted)
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
    options = MergeOptions(
        device=device,
        precision=precision,
        tile=parse_tile(tile) or "auto",
        runtime=runtime,
        align=align,
    )
    names = [name for name in (models or ["ahdrnet"]) if name != NO_MODEL]
    networks = _networks(names, options, flow="flow" in wanted or ("all" in wanted and bool(names)))
    page = Report(attention=_attention(names), width=thumbnail) if report is not None else None
    with progress("evaluating", quiet=quiet or as_json) as on_step:
        found = run(
            datasets,
            (*networks, *classical),
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
    """Where the heavy metrics compute: they need float64, which MPS has not."""
    from ahdr_cli.inference.devices import select_device

    found = str(select_device(name))
    return found if found.startswith("cuda") else "cpu"


def _single(paths: list[Path], given: tuple[Exposure, ...] | None) -> Dataset:
    from ahdr_cli.evaluation.datasets import Dataset, EvaluationScene

    bracket, chosen = read_bracket(paths, given)
    name = " ".join(path.name for path in chosen)
    return Dataset(
        spec=f"photographs in {paths[0].parent}",
        readers=(lambda: EvaluationScene(name=name, bracket=bracket),),
    )


def _networks(names: list[str], options: MergeOptions, *, flow: bool) -> list[Method]:
    from ahdr_cli.evaluation.methods import flow_method, model_method
    from ahdr_cli.merging import Merger

    if flow and not names:
        raise UsageError("the baseline flow needs a model", hint="pass --model NAME as well")
    methods: list[Method] = []
    for name in names:
        merger = Merger.open(name, options=options)
        methods.append(model_method(merger, name=_label(name)))
        if flow:
            methods.append(flow_method(merger, name=_label(name)))
    return methods


def _label(model: str) -> str:
    """A registered name, or a file's name without its folder."""
    return Path(model).stem if Path(model).suffix else model


def _attention(
    names: list[str],
) -> dict[str, Callable[[Bracket], tuple[FloatArray, FloatArray]]]:
    """How to get the attention maps of those models that have some."""
    from ahdr_cli.checkpoints import load_checkpoint
    from ahdr_cli.inference.attention_maps import has_attention

    maps: dict[str, Callable[[Bracket], tuple[FloatArray, FloatArray]]] = {}
    for name in names:
        net = load_checkpoint(name).build()
        if has_attention(net):
            maps[_label(name)] = partial(_mean_attention, net)
    return maps


def _mean_attention(net: nn.Module, bracket: Bracket) -> tuple[FloatArray, FloatArray]:
    from ahdr_cli.inference.attention_maps import summarise_attention

    summary = summarise_attention(net, bracket)
    return summary.short, summary.long


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
            path.write_text(found.to_csv(), encoding="utf-8")


def _print_tables(found: Evaluation, *, per_scene: bool) -> None:
    from ahdr_cli.cli.tables import cause_table, mean_table, scene_table

    stdout().print(mean_table(found))
    if any(found.causes(method) for method in found.methods):
        stdout().print(cause_table(found))
    if per_scene:
        for key in found.columns:
            stdout().print(scene_table(found, key))
