"""Options of `ahdr eval` that no other command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "BaselinesOption",
    "CsvOption",
    "DataOption",
    "DiagonalOption",
    "DistanceOption",
    "FramesArgument",
    "LimitOption",
    "MetricsOption",
    "ModelsOption",
    "NoReferenceOption",
    "PeakOption",
    "PerSceneOption",
    "ReportOption",
    "ResolutionOption",
    "ResultsOption",
    "ResultsWhiteOption",
    "ThumbnailOption",
]

_DATA = "Data and methods"
_OUTPUT = "Results"
_DISPLAY = "Display that the perceptual metrics assume"

FramesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="LOW MID HIGH",
        help="One bracket instead of --data, with --no-reference.",
        readable=False,
        show_default=False,
    ),
]
DataOption = Annotated[
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
]
ModelsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME|PATH",
        help="A model, repeatable; none leaves networks out. Default: ahdrnet, or none beside "
        "--results.",
        rich_help_panel=_DATA,
        show_default=False,
    ),
]
BaselinesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--baseline",
        metavar="NAME",
        help="reference, triangle, debevec, robertson, mtb-debevec, mertens, flow (optical "
        "flow, then each model) or all. Repeatable.",
        rich_help_panel=_DATA,
        show_default=False,
    ),
]
ResultsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--results",
        metavar="NAME=DIR",
        help="Results that another program computed: for each scene SCENE.exr, .hdr or .tif, or a "
        "folder SCENE with one such file. Repeatable.",
        rich_help_panel=_DATA,
        show_default=False,
    ),
]
ResultsWhiteOption = Annotated[
    str,
    typer.Option(
        "--results-white",
        metavar="shortest|reference",
        help="The frame whose white is 1.0 in --results: the shortest, as in HDRImg.hdr, or the "
        "reference, as in what `ahdr merge` writes.",
        rich_help_panel=_DATA,
    ),
]
MetricsOption = Annotated[
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
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="N",
        min=1,
        help="Only the first N scenes of each --data.",
        rich_help_panel=_DATA,
        show_default=False,
    ),
]
NoReferenceOption = Annotated[
    bool,
    typer.Option(
        "--no-reference",
        help="No ground truth: measure whether the merge, exposed again, gives its frames.",
        rich_help_panel=_DATA,
    ),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="DIR",
        help="Write a self-contained HTML page with pictures, and the numbers beside it.",
        rich_help_panel=_OUTPUT,
    ),
]
ThumbnailOption = Annotated[
    int,
    typer.Option(
        "--thumbnail",
        metavar="PIXELS",
        min=16,
        help="Width of the report's pictures.",
        rich_help_panel=_OUTPUT,
    ),
]
CsvOption = Annotated[
    Path | None,
    typer.Option(
        "--csv",
        metavar="PATH",
        help="Write one line for each scene and method.",
        rich_help_panel=_OUTPUT,
    ),
]
PerSceneOption = Annotated[
    bool,
    typer.Option("--per-scene", help="Also print a table of scenes.", rich_help_panel=_OUTPUT),
]
PeakOption = Annotated[
    float,
    typer.Option(
        "--peak",
        metavar="CD/M2",
        help="Luminance of white (of the shortest frame's white).",
        rich_help_panel=_DISPLAY,
    ),
]
DiagonalOption = Annotated[
    float,
    typer.Option("--diagonal", metavar="INCHES", help="Screen.", rich_help_panel=_DISPLAY),
]
ResolutionOption = Annotated[
    str,
    typer.Option("--resolution", metavar="WxH", help="Screen.", rich_help_panel=_DISPLAY),
]
DistanceOption = Annotated[
    float,
    typer.Option("--distance", metavar="METRES", help="Eye to screen.", rich_help_panel=_DISPLAY),
]
