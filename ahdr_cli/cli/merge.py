"""`ahdr merge`: a bracket in, an HDR image out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ahdr_cli.cli.bracket_input import given_exposures, read_bracket
from ahdr_cli.cli.console import guarded, note, print_json, progress, warn
from ahdr_cli.cli.model_choice import resolve_model
from ahdr_cli.cli.options import (
    AlignOption,
    DeviceOption,
    EvFileOption,
    EvOption,
    ExposuresOption,
    JsonOption,
    ModelOption,
    OverwriteOption,
    PrecisionOption,
    QuietOption,
    ResponseOption,
    RuntimeOption,
    TileOption,
    VerboseOption,
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

_DONE = {
    "matched": "outer frames matched to the middle one by the camera's curve",
    "straightened": "the camera's curve, near γ 2.2, undone in all frames",
    "linear": "the camera's curve undone in all frames: values are in proportion to light",
}
"""What `ToneMatch.way` means."""


@guarded
def merge(
    frames: Annotated[
        list[Path],
        typer.Argument(
            metavar="LOW MID HIGH",
            help="The photographs of one bracket, in any order; of more than three, the three "
            "that serve best are merged.",
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
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Merge three bracketed photographs into one ghost-free HDR image.

    The result is linear RGB in the geometry of the middle exposure; 1.0 is that frame's white.
    Exposures come from EXIF (shutter, ISO and aperture) unless a flag gives them.
    """
    started = time.perf_counter()
    preview_path = _preview_path(output, preview, no_preview)
    outputs = {"output": output, "preview": preview_path, "report": report}
    _check_outputs(frames, outputs, overwrite=overwrite)
    check_write_options([output.suffix], float32=float32, chromaticities=chromaticities)
    given = given_exposures(exposures, ev, ev_file, len(frames))

    from ahdr_cli.io import WriteOptions, write_hdr
    from ahdr_cli.merging import Merger

    options = merge_options(
        device=device,
        precision=precision,
        tile=tile,
        runtime=runtime,
        align=align,
        response=response,
    )
    bracket = read_bracket(frames, given)
    if len(bracket.frames) < len(frames) and not quiet:
        names = ", ".join(Path(frame.name).name for frame in bracket.frames)
        note(f"{len(frames)} frames: merging {names}")
    read = time.perf_counter()

    height, width = bracket.size
    model = resolve_model(model, options, pixels=height * width, quiet=quiet)
    merger = Merger.open(model, options=options)
    for warning in merger.warnings(bracket):
        warn(warning)
    with progress("merging", quiet=quiet or as_json) as on_tile:
        prepared = merger.prepare(bracket)
        image = merger.merge(prepared, on_tile=on_tile)
    merged = time.perf_counter()
    if prepared.concern is not None:
        warn(prepared.concern)

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
        _describe(prepared, merger, timings)
    if as_json:
        print_json(_as_dict(prepared, merger, outputs, timings, measured))
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
    return preview or output.with_name(f"{output.stem}_preview.png")


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


def _describe(prepared: Preparation, merger: Merger, timings: dict[str, float]) -> None:
    bracket, moved = prepared.taken, prepared.displacements
    for frame, ratio in zip(bracket.frames, bracket.ratios, strict=True):
        note(f"{frame.name}: {ratio:.4g} × the shortest exposure")
    if any(moved):
        note("aligned: short frame by {:.1f} px, long frame by {:.1f} px".format(*moved))
    if (match := prepared.match) is not None:
        apart = f"with γ 2.2 the frames are {match.estimate.assumed_ev:.2f} EV apart"
        note(f"{_DONE[match.way]}: {apart}")
    note(f"noise {prepared.noise_levels:.2f} levels of 255")
    note(", ".join(f"{name} {value}" for name, value in merger.plan.to_dict().items()))
    note(", ".join(f"{name} {seconds:.2f} s" for name, seconds in timings.items()))


def _as_dict(
    prepared: Preparation,
    merger: Merger,
    outputs: dict[str, Path | None],
    timings: dict[str, float],
    measured: MergeReport | None,
) -> dict[str, Any]:
    """What `--json` prints."""
    bracket, matched = prepared.taken, prepared.matched_ev
    return {
        "inputs": [
            {
                "path": frame.name,
                "seconds": frame.exposure.shutter if frame.exposure else None,
                "iso": frame.exposure.iso if frame.exposure else None,
                "f_number": frame.exposure.f_number if frame.exposure else None,
                "ratio": float(ratio),
            }
            for frame, ratio in zip(bracket.frames, bracket.ratios, strict=True)
        ],
        **{name: None if path is None else str(path) for name, path in outputs.items()},
        "aligned_px": [round(pixels, 3) for pixels in prepared.displacements],
        "matched_ev": None if matched is None else round(matched, 3),
        "curve": None if prepared.match is None else prepared.match.way,
        "noise_levels": round(prepared.noise_levels, 3),
        **({} if measured is None else {"consistency": measured.to_dict()["frames"]}),
        "size": {"width": bracket.size[1], "height": bracket.size[0]},
        **merger.plan.to_dict(),
        "seconds": {name: round(seconds, 4) for name, seconds in timings.items()},
    }
