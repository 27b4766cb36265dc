"""Options that several commands share, declared once."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ahdr_cli.merging import MergeOptions

__all__ = [
    "AlignOption",
    "DeviceOption",
    "EvFileOption",
    "EvOption",
    "ExposuresOption",
    "ExtendOption",
    "JsonOption",
    "ModelOption",
    "NamedModelOption",
    "OverwriteOption",
    "PrecisionOption",
    "QuietOption",
    "RuntimeOption",
    "TileOption",
    "VerboseOption",
    "check_talk",
    "check_write_options",
    "float_option",
    "merge_options",
    "parse_tile",
]

_EXPOSURE = "Exposures (instead of EXIF, in the order of the files)"
_ENGINE = "Model and machine"

ExposuresOption = Annotated[
    str | None,
    typer.Option(
        "--exposures",
        metavar="T,T,T",
        help="Exposure times in seconds, fractions or decimals: 1/1000,1/250,1/60.",
        rich_help_panel=_EXPOSURE,
    ),
]
EvOption = Annotated[
    str | None,
    typer.Option(
        "--ev",
        metavar="EV,EV,EV",
        help="Exposures in stops, larger is brighter: -2,0,2.",
        rich_help_panel=_EXPOSURE,
    ),
]
EvFileOption = Annotated[
    Path | None,
    typer.Option(
        "--ev-file",
        metavar="FILE",
        help="Text file with one EV a line, as in Kalantari's dataset (exposure.txt).",
        readable=False,
        rich_help_panel=_EXPOSURE,
    ),
]
NamedModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="NAME|PATH",
        help="A model that `ahdr models list` shows, or a .safetensors file.",
        rich_help_panel=_ENGINE,
    ),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="auto|NAME|PATH",
        help="A model that `ahdr models list` shows, or a .safetensors file; auto is the best "
        "that takes less than about half a minute here.",
        rich_help_panel=_ENGINE,
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="DEVICE",
        help="auto, cpu, cuda, cuda:N or mps.",
        rich_help_panel=_ENGINE,
    ),
]
PrecisionOption = Annotated[
    str,
    typer.Option(
        "--precision",
        metavar="PRECISION",
        help="auto, fp32, fp16, bf16 or int8 (CPU; a little faster than fp32, for ahdrnet); "
        "auto is fp32 on a CPU and 16 bit on a GPU that has it.",
        rich_help_panel=_ENGINE,
    ),
]
TileOption = Annotated[
    str,
    typer.Option(
        "--tile",
        metavar="auto|N",
        help="Tile side in pixels; auto fits the free memory. Any tile gives the same result.",
        rich_help_panel=_ENGINE,
    ),
]
RuntimeOption = Annotated[
    str,
    typer.Option(
        "--runtime",
        metavar="RUNTIME",
        help="auto, torch, onnxruntime, winograd or triton; auto is the fastest that computes the "
        "network, as far as measured: one of the middle two on a CPU, torch elsewhere.",
        rich_help_panel=_ENGINE,
    ),
]
AlignOption = Annotated[
    str,
    typer.Option(
        "--align",
        metavar="auto|off",
        help="auto: move outer frames onto the middle one where the camera moved.",
        rich_help_panel=_ENGINE,
    ),
]
ResponseOption = Annotated[
    str,
    typer.Option(
        "--response",
        metavar="auto|gamma|linear",
        help="auto: match outer frames to the middle one if the camera's curve is far from γ 2.2, "
        "undo what is near it; gamma: take γ 2.2 for granted; linear: undo any curve.",
        rich_help_panel=_ENGINE,
    ),
]
ExtendOption = Annotated[
    str,
    typer.Option(
        "--extend",
        metavar="auto|off",
        help="auto: of more than three frames, those shorter than the three that are merged raise "
        "highlights that are white in all three.",
        rich_help_panel=_ENGINE,
    ),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace output files that exist.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but problems.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say what was chosen and how long it took.")
]


def check_talk(*, quiet: bool, verbose: bool) -> None:
    """Refuse to say both nothing and much.

    Raises:
        UsageError: both are asked for.
    """
    if quiet and verbose:
        from ahdr_cli.errors import UsageError

        raise UsageError("--quiet and --verbose contradict each other", hint="give one of them")


def float_option(*, panel: str | None = None) -> Any:  # noqa: ANN401 - what typer makes of it
    """`--float`, in the panel in which a command shows what it writes."""
    return typer.Option(
        "--float",
        help="Store 32-bit floats in .exr instead of 16-bit ones.",
        rich_help_panel=panel,
    )


def check_write_options(suffixes: Collection[str], *, float32: bool, chromaticities: bool) -> None:
    """Refuse options that none of the results can follow.

    Args:
        suffixes: of the results; those that cannot be written are refused elsewhere.
        float32: `--float` is given.
        chromaticities: `--chromaticities` is.

    Raises:
        UsageError: one of them would do nothing.
    """
    from ahdr_cli.errors import UsageError
    from ahdr_cli.io import HDR_SUFFIXES, heeded_by

    results = {suffix.lower() for suffix in suffixes}.intersection(HDR_SUFFIXES)
    asked = (
        ("float32", "--float", float32),
        ("chromaticities", "--chromaticities", chromaticities),
    )
    for option, flag, wanted in asked:
        able = [suffix for suffix in HDR_SUFFIXES if heeded_by(suffix, option)]
        if wanted and results and results.isdisjoint(able):
            raise UsageError(
                f"{flag} means nothing for {' and '.join(sorted(results))}",
                hint=f"leave it out, or write {' or '.join(able)}",
            )


def parse_tile(text: str) -> int | None:
    """`auto` → None, else a whole number of pixels that a tile may have.

    Raises:
        UsageError: neither.
    """
    from ahdr_cli.errors import UsageError
    from ahdr_cli.inference.tiling import MIN_TILE

    if text == "auto":
        return None
    if text.isdecimal() and int(text) >= MIN_TILE:
        return int(text)
    # Smaller ones are nearly all halo, and take hours.
    raise UsageError(f"--tile must be auto or a whole number from {MIN_TILE} on, got {text!r}")


def merge_options(
    *,
    device: str,
    precision: str,
    tile: str,
    runtime: str,
    align: str,
    response: str,
    extend: str = "auto",
) -> MergeOptions:
    """What the options of the panel "Model and machine" ask for.

    Raises:
        UsageError: one of them has no meaning.
    """
    from ahdr_cli.merging import MergeOptions

    return MergeOptions(
        device=device,
        precision=precision,
        tile=parse_tile(tile) or "auto",
        runtime=runtime,
        align=align,
        response=response,
        extend=extend,
    )
