"""`ahdr merge`: a bracket in, an HDR image out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ahdr_cli.cli.console import guarded, note, print_json, progress, warn
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
    RuntimeOption,
    TileOption,
    VerboseOption,
    parse_tile,
)
from ahdr_cli.errors import FrameCountError, UsageError

if TYPE_CHECKING:
    from ahdr_cli.bracket import Bracket
    from ahdr_cli.images import Exposure, Frame, HdrImage
    from ahdr_cli.merging import Merger

__all__ = ["given_exposures", "merge", "read_bracket"]

HDR_SUFFIXES = (".hdr", ".exr", ".tif", ".tiff")
PREVIEW_SUFFIXES = (".png", ".jpg", ".jpeg")


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
    float32: Annotated[
        bool, typer.Option("--float", help="Store 32-bit floats in .exr instead of 16-bit ones.")
    ] = False,
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
    overwrite: OverwriteOption = False,
    model: ModelOption = "ahdrnet",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    tile: TileOption = "auto",
    runtime: RuntimeOption = "auto",
    align: AlignOption = "auto",
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
    _check_outputs(frames, output, preview_path, overwrite=overwrite)
    given = given_exposures(exposures, ev, ev_file, len(frames))

    from ahdr_cli.io import WriteOptions, write_hdr
    from ahdr_cli.merging import MergeOptions, Merger

    options = MergeOptions(
        device=device,
        precision=precision,
        tile=parse_tile(tile) or "auto",
        runtime=runtime,
        align=align,
    )
    bracket, chosen = read_bracket(frames, given)
    if len(chosen) < len(frames) and not quiet:
        note(f"{len(frames)} frames: merging {', '.join(path.name for path in chosen)}")
    read = time.perf_counter()

    merger = Merger.open(model, options=options)
    for warning in merger.warnings(bracket):
        warn(warning)
    moved: list[float] = []
    with progress("merging", quiet=quiet or as_json) as on_tile:
        image = merger(
            bracket,
            on_tile=on_tile,
            on_aligned=lambda alignment: moved.extend(alignment.displacements),
        )
    merged = time.perf_counter()

    write_hdr(
        output,
        image,
        overwrite=overwrite,
        options=WriteOptions(float32=float32, chromaticities=chromaticities),
    )
    if preview_path is not None:
        _write_preview(preview_path, image, bracket, overwrite=overwrite)
    timings = {
        "read": read - started,
        "merge": merged - read,
        "write": time.perf_counter() - merged,
    }

    if verbose:
        _describe(bracket, merger, moved, timings)
    if as_json:
        outputs = {"output": output, "preview": preview_path}
        print_json(_report(bracket, merger, moved, outputs, timings))
    elif not quiet:
        note(f"wrote {output}" + (f" and {preview_path}" if preview_path else ""))


def _preview_path(output: Path, preview: Path | None, no_preview: bool) -> Path | None:
    if no_preview:
        if preview is not None:
            raise UsageError("--preview and --no-preview contradict each other")
        return None
    return preview or output.with_name(f"{output.stem}_preview.png")


def _check_outputs(
    frames: list[Path], output: Path, preview: Path | None, *, overwrite: bool
) -> None:
    """Everything that would stop us at the end is found before the work begins."""
    from ahdr_cli.io import check_output

    check_output(output, overwrite=overwrite, suffixes=HDR_SUFFIXES)
    if preview is not None:
        check_output(preview, overwrite=overwrite, suffixes=PREVIEW_SUFFIXES)
    inputs = {path.resolve() for path in frames}
    for path in (output, preview):
        if path is not None and path.resolve() in inputs:
            raise UsageError("is both an input and an output", path=path)
    if preview is not None and preview.resolve() == output.resolve():
        raise UsageError("is both the result and its preview", path=output)


def given_exposures(
    exposures: str | None, ev: str | None, ev_file: Path | None, count: int
) -> tuple[Exposure, ...] | None:
    """Exposures from flags, one a frame in the order of the arguments, or None."""
    flags = {"--exposures": exposures, "--ev": ev, "--ev-file": ev_file}
    used = [flag for flag, value in flags.items() if value is not None]
    if len(used) > 1:
        raise UsageError(f"{' and '.join(used)} contradict each other", hint="give one of them")
    if not used:
        return None

    from ahdr_cli.bracket import parse_evs, parse_exposures, read_ev_file

    if exposures is not None:
        parsed = parse_exposures(exposures)
    elif ev is not None:
        parsed = parse_evs(ev)
    else:
        assert ev_file is not None  # it is the only one left
        parsed = read_ev_file(ev_file)
    if len(parsed) != count:
        raise UsageError(
            f"{used[0]} gives {len(parsed)} exposures for {count} files",
            hint="give one for each file, in the same order",
        )
    return parsed


def read_bracket(
    paths: list[Path], given: tuple[Exposure, ...] | None
) -> tuple[Bracket, tuple[Path, ...]]:
    """The bracket, and the paths that went into it."""
    from ahdr_cli.bracket import Bracket, select_three
    from ahdr_cli.io import read_frame

    if len(paths) < 3:
        raise FrameCountError(
            f"a bracket needs three photographs, got {len(paths)}: "
            + ", ".join(str(path) for path in paths)
        )
    frames: list[Frame] = [
        read_frame(path, exposure=given[i] if given else None) for i, path in enumerate(paths)
    ]
    if len(frames) > 3:
        frames = list(select_three(frames))
    bracket = Bracket.from_frames(frames)
    return bracket, tuple(frame.path for frame in bracket.frames if frame.path is not None)


def _write_preview(path: Path, image: HdrImage, bracket: Bracket, *, overwrite: bool) -> None:
    """The μ-law picture, in units of the shortest frame's white as in the papers."""
    from ahdr_cli.io import write_preview
    from ahdr_cli.radiometry.tonemap import mu_law, to_uint8

    white = float(bracket.ratios[1])
    write_preview(
        path, to_uint8(mu_law(image.pixels, white=white)), image=image, overwrite=overwrite
    )


def _describe(
    bracket: Bracket, merger: Merger, moved: list[float], timings: dict[str, float]
) -> None:
    for frame, ratio in zip(bracket.frames, bracket.ratios, strict=True):
        note(f"{frame.name}: {ratio:.4g} × the shortest exposure")
    if any(moved):
        note("aligned: short frame by {:.1f} px, long frame by {:.1f} px".format(*moved))
    note(", ".join(f"{name} {value}" for name, value in merger.plan.to_dict().items()))
    note(", ".join(f"{name} {seconds:.2f} s" for name, seconds in timings.items()))


def _report(
    bracket: Bracket,
    merger: Merger,
    moved: list[float],
    outputs: dict[str, Path | None],
    timings: dict[str, float],
) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "inputs": [
            {
                "path": frame.name,
                "seconds": frame.exposure.seconds if frame.exposure else None,
                "iso": frame.exposure.iso if frame.exposure else None,
                "f_number": frame.exposure.f_number if frame.exposure else None,
                "ratio": float(ratio),
            }
            for frame, ratio in zip(bracket.frames, bracket.ratios, strict=True)
        ],
        **{name: None if path is None else str(path) for name, path in outputs.items()},
        "aligned_px": [round(pixels, 3) for pixels in moved],
        "size": {"width": bracket.size[1], "height": bracket.size[0]},
        **merger.plan.to_dict(),
        "seconds": {name: round(seconds, 4) for name, seconds in timings.items()},
    }
