"""Options of `ahdr batch` that no other command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ahdr_cli.cli.options import float_option

__all__ = [
    "ChromaticitiesOption",
    "ClusterOption",
    "DryRunOption",
    "FailedListOption",
    "FileFormatOption",
    "Float32Option",
    "FoldersArgument",
    "GroupOption",
    "InFlightOption",
    "ManifestOption",
    "MaxGapOption",
    "NameOption",
    "OutputOption",
    "OverwriteOption",
    "PatternOption",
    "PreviewOption",
    "RecursiveOption",
    "ReferenceEvOption",
    "ShardOption",
    "WriteManifestOption",
]

_PLAN = "Which files belong together"
_OUTPUT = "Results"
_MACHINES = "Several machines"

FoldersArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="DIR...", help="Folders with photographs.", show_default=False, readable=False
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="DIR", help="Folder of the results."),
]
RecursiveOption = Annotated[
    bool,
    typer.Option(
        "--recursive",
        "-r",
        help="Look into sub-folders, too, but not through links.",
        rich_help_panel=_PLAN,
    ),
]
GroupOption = Annotated[
    int | None,
    typer.Option(
        "--group",
        metavar="N",
        help="Every N files in a row are a set, whatever their exposures.",
        rich_help_panel=_PLAN,
    ),
]
PatternOption = Annotated[
    str | None,
    typer.Option(
        "--pattern",
        metavar="PATTERN",
        help="Files that agree in {set} are a set, e.g. '{set}_[0-9].jpg'.",
        rich_help_panel=_PLAN,
    ),
]
MaxGapOption = Annotated[
    float,
    typer.Option(
        "--max-gap",
        metavar="SECONDS",
        help="Longest pause between the frames of a bracket.",
        rich_help_panel=_PLAN,
    ),
]
ManifestOption = Annotated[
    Path | None,
    typer.Option(
        "--manifest",
        metavar="FILE",
        help="Merge the sets that a .json or .csv file lists, instead of looking for them.",
        readable=False,
        rich_help_panel=_PLAN,
    ),
]
WriteManifestOption = Annotated[
    Path | None,
    typer.Option(
        "--write-manifest",
        metavar="FILE",
        help="Write the sets that were found to a .json or .csv file; with --dry-run only that.",
        rich_help_panel=_PLAN,
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Show what would be done and do nothing; needs no -o.",
        rich_help_panel=_PLAN,
    ),
]
NameOption = Annotated[
    str,
    typer.Option(
        "--name",
        metavar="TEMPLATE",
        help="Output names from {set}, {stem}, {last}, {folder}, {ev}, {date}, {camera}, "
        "{count} and {index}.",
        rich_help_panel=_OUTPUT,
    ),
]
FileFormatOption = Annotated[
    str,
    typer.Option("--format", metavar="FORMAT", help="exr, hdr or tif.", rich_help_panel=_OUTPUT),
]
Float32Option = Annotated[bool, float_option(panel=_OUTPUT)]
ChromaticitiesOption = Annotated[
    bool,
    typer.Option(
        "--chromaticities",
        help="Name the primaries in .exr by chromaticities instead of by colorInteropID.",
        rich_help_panel=_OUTPUT,
    ),
]
PreviewOption = Annotated[
    bool,
    typer.Option(
        "--preview",
        help="Write a full-size tonemapped PNG beside each result.",
        rich_help_panel=_OUTPUT,
    ),
]
ReferenceEvOption = Annotated[
    float | None,
    typer.Option(
        "--reference-ev",
        metavar="EV",
        help="One brightness scale for all sets: 1.0 is white at this exposure, "
        "log2(t · ISO / (100 · N²)), the negative of a light meter's EV.",
        rich_help_panel=_OUTPUT,
    ),
]
OverwriteOption = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Do finished sets again, and replace files that ahdr batch did not write.",
    ),
]
FailedListOption = Annotated[
    Path | None,
    typer.Option(
        "--failed-list",
        metavar="FILE",
        help="Write the sets that failed as a manifest (.json or .csv), for --manifest.",
        rich_help_panel=_OUTPUT,
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Do the I-th of N shares. Default: from SLURM's array variables, else 1/1.",
        rich_help_panel=_MACHINES,
    ),
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ray[://HOST:PORT]",
        help="Spread the work over a Ray cluster.",
        rich_help_panel=_MACHINES,
    ),
]
InFlightOption = Annotated[
    int | None,
    typer.Option(
        "--in-flight",
        metavar="N",
        help="Sets in memory at once; by default 3, on a GPU two more than cores.",
        show_default=False,
        rich_help_panel=_MACHINES,
    ),
]
