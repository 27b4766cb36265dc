"""`ahdr merge`: a bracket in, an HDR image out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ahdr_cli.cli.bracket_input import given_exposures, read_selection
from ahdr_cli.cli.console import guarded, note, print_json, progress, warn
from ahdr_cli.cli.merge_words import describe_merge, merge_as_dict, uses
from ahdr_cli.cli.model_choice import check_model, resolve_model
from ahdr_cli.cli.options import (
    AlignOption,
    DeviceOption,
    EvFileOption,
    EvOption,
    ExposuresOption,
    ExtendOption,
    JsonOption,
    ModelOption,
    OverwriteOption,
    PrecisionOption,
    QuietOption,
    ResponseOption,
    RuntimeOption,
    TileOption,
    VerboseOption,
    check_talk,
    check_write_options,
    float_option,
    merge_options,
)
from ahdr_cli.errors import OutputExistsError, UsageError

if TYPE_CHECKING:
    from ahdr_cli.bracket import Bracket
    from ahdr_cli.bracket.preparation import Preparation
    from ahdr_cli.evaluation.merge_report import MergeReport
    from ahdr_cli.images import HdrImage
    from ahdr_cli.merging import Merger

__all__ = ["merge"]


@guarded
def merge(
    frames: Annotated[
        list[Path],
        typer.Argument(
            metavar="LOW MID HIGH",
            help="The photographs of one bracket, in any order; of more than three, the three "
            "that serve best are merged, and shorter ones raise the highlights.",
            readable=False,
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PATH", help="Result: .hdr, .exr or .tif."),
    ],
    exposures: ExposuresOption = None,
    ev: EvOption = None,
    ev_file: EvFileOption = None,
    float32: Annotated[bool, float_option()] = False,
    chromaticities: Annotated[
        bool,
        typer.Option(
            "--chromaticities",
            help="Name the primaries in .exr by chromaticities (for older readers) instead of "
            "by colorInteropID.",
        ),
    ] = False,
    preview: Annotated[
        Path | None,
        typer.Option(
            "--preview",
            metavar="PATH",
            help="Where the tonemapped preview goes (.png or .jpg). Default: OUT_preview.png.",
        ),
    ] = None,
    no_preview: Annotated[bool, typer.Option("--no-preview", help="Write no preview.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="PATH",
            help="Measure how well the result explains its frames, without any ground truth: "
            ".html (a page with ghost maps) or .json (numbers).",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    model: ModelOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    tile: TileOption = "auto",
    runtime: RuntimeOption = "auto",
    align: AlignOption = "auto",
    response: ResponseOption = "auto",
    extend: ExtendOption = "auto",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Merge three bracketed photographs into one ghost-free HDR image.

    The result is linear RGB in the geometry of the middle exposure; 1.0 is that frame's white.
    Exposures come from EXIF (shutter, ISO and aperture) unless a flag gives them.
    """
    started = time.perf_counter()
    check_talk(quiet=quiet, verbose=verbose)
    options = merge_options(
        device=device,
        precision=precision,
        tile=tile,
        runtime=runtime,
        align=align,
        response=response,
        extend=extend,
    )
    check_model(model)
    preview_path = _preview_path(output, preview, no_preview)
    outputs = {"output": output, "preview": preview_path, "report": report}
    _check_outputs(frames, outputs, overwrite=overwrite)
    check_write_options([output.suffix], float32=float32, chromaticities=chromaticities)
    given = given_exposures(exposures, ev, ev_file, len(frames))

    from ahdr_cli.io import WriteOptions, write_hdr
    from ahdr_cli.merging import Merger

    selection = read_selection(frames, given, extend=options.extend == "auto")
    bracket = selection.bracket
    read = time.perf_counter()

    height, width = bracket.size
    model = resolve_model(model, options, pixels=height * width, quiet=quiet)
    merger = Merger.open(model, options=options)
    for warning in merger.warnings(bracket):
        warn(warning)
    with progress("merging", quiet=quiet or as_json) as on_tile:
        prepared = merger.prepare(bracket, shorter=selection.shorter)
        if len(frames) > 3 and not quiet:
            note(f"{len(frames)} frames: {uses(prepared, selection.unused)}")
        image = merger.merge(prepared, on_tile=on_tile)
    merged = time.perf_counter()
    for concern in prepared.concerns:
        warn(concern)

    write_hdr(
        output,
        image,
        overwrite=overwrite,
        options=WriteOptions(float32=float32, chromaticities=chromaticities),
    )
    if preview_path is not None:
        _write_preview(preview_path, image, bracket, overwrite=overwrite)
    written = time.perf_counter()
    timings = {"read": read - started, "merge": merged - read, "write": written - merged}
    measured = None
    if report is not None:
        measured = _write_report(
            report,
            image,
            # The result must explain the frames that the network saw.
            prepared,
            merger,
            title=f"Merge: {output.name}",
            overwrite=overwrite,
        )
        timings["report"] = time.perf_counter() - written

    if verbose:
        describe_merge(prepared, merger, timings)
    if as_json:
        unused = selection.unused
        print_json(merge_as_dict(prepared, merger, outputs, timings, measured, unused=unused))
    elif not quiet:
        places = [str(path) for path in outputs.values() if path is not None]
        note(f"wrote {' and '.join(places)}")
        if measured is not None:
            note(measured.summary())


def _preview_path(output: Path, preview: Path | None, no_preview: bool) -> Path | None:
    if no_preview:
        if preview is not None:
            raise UsageError("--preview and --no-preview contradict each other")
        return None
    # Not `with_name`: the output may be a folder without a name, which is refused later.
    return preview or output.parent / f"{output.stem}_preview.png"


def _check_outputs(frames: list[Path], outputs: dict[str, Path | None], *, overwrite: bool) -> None:
    """Everything that would stop us at the end is found before the work begins."""
    from ahdr_cli.io import HDR_SUFFIXES, PREVIEW_SUFFIXES, check_output
    from ahdr_cli.io.place import real_path

    suffixes = {"output": HDR_SUFFIXES, "preview": PREVIEW_SUFFIXES}
    if outputs["report"] is not None:
        from ahdr_cli.evaluation.merge_report import REPORT_SUFFIXES

        suffixes["report"] = REPORT_SUFFIXES
    inputs = {real_path(path) for path in frames}
    taken: dict[Path, str] = {}
    words = {"output": "the result", "preview": "its preview", "report": "its report"}
    for kind, path in outputs.items():
        if path is None:
            continue
        try:
            check_output(path, overwrite=overwrite, suffixes=suffixes[kind])
        except OutputExistsError as error:
            if kind != "preview":
                raise
            hint = "use --no-preview, --preview with another path, or --overwrite"
            raise OutputExistsError(error.message, path=path, hint=hint) from error
        place = real_path(path)
        if place in inputs:
            raise UsageError("is both an input and an output", path=path)
        if place in taken:
            raise UsageError(f"is both {taken[place]} and {words[kind]}", path=path)
        taken[place] = words[kind]


def _write_preview(path: Path, image: HdrImage, bracket: Bracket, *, overwrite: bool) -> None:
    """The μ-law picture, in units of the shortest frame's white as in the papers."""
    from ahdr_cli.io import write_preview
    from ahdr_cli.radiometry.tonemap import render

    shown = render(image.pixels, "mu-law", white=float(bracket.ratios[1]))
    write_preview(path, shown, image=image, overwrite=overwrite)


def _write_report(
    path: Path,
    image: HdrImage,
    prepared: Preparation,
    merger: Merger,
    *,
    title: str,
    overwrite: bool,
) -> MergeReport:
    """Measure the result against the frames as they were merged, and write that down."""
    from ahdr_cli.evaluation.merge_report import report_merge, write_merge_report

    moved = prepared.displacements
    report = report_merge(
        image,
        prepared.bracket,
        moved_px=(moved[0], moved[1]) if moved else (0.0, 0.0),
        provenance=merger.plan.to_dict(),
    )
    write_merge_report(path, report, title=title, overwrite=overwrite)
    return report
