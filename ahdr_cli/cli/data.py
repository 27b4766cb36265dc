"""`ahdr data`: pack, synthesise, check and look at training data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ahdr_cli.cli.console import guarded, note, print_json, progress, stdout
from ahdr_cli.cli.options import JsonOption, OverwriteOption, QuietOption
from ahdr_cli.errors import InputError, UsageError, counted

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Pack, synthesise, check and look at training data.")

_SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=2**62, help="Another one, other scenes.")
]


@app.command("pack")
@guarded
def pack(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="KIND:DIR[=WEIGHT]...",
            help="hdr: (.hdr, .exr) and photo: (ordinary photographs).",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the shards.")
    ],
    largest_side: Annotated[
        int, typer.Option("--max-side", min=64, help="Scale larger images down to this.")
    ] = 2048,
    shard_mib: Annotated[
        int, typer.Option("--shard-size", min=1, help="Largest shard in MiB.")
    ] = 60,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
) -> None:
    """Pack radiance maps and photographs into compact shards for `--data packed:DIR`."""
    from ahdr_cli.training.packing import pack_sources

    with progress("packing", quiet=quiet) as on_scene:
        report = pack_sources(
            sources,
            output,
            largest_side=largest_side,
            shard_bytes=shard_mib << 20,
            overwrite=overwrite,
            on_scene=on_scene,
        )
    if not quiet:
        note(
            f"wrote {counted(report.scenes, 'scene')} ({report.pixels / 1e6:.1f} Mpx) into "
            f"{counted(len(report.shards), 'shard')}, {report.bytes / 2**20:.1f} MiB"
        )


@app.command("synth")
@guarded
def synth(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="KIND:PATH[=WEIGHT]...",
            help="hdr:, photo: or packed: scenes that training does not see.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="A new or empty folder.")
    ],
    scenes: Annotated[int, typer.Option("--scenes", "-n", min=1, help="How many.")] = 16,
    size: Annotated[
        str, typer.Option("--size", metavar="WxH", help="Of the frames, in pixels.")
    ] = "480x320",
    seed: _SeedOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Write a synthetic test set with ground truth, in Kalantari's layout.

    A quarter of the scenes is static; in the others objects move, the camera moves, or both.
    """
    from ahdr_cli.training.synthetic_set import write_synthetic_set

    with progress("scenes", quiet=quiet) as on_scene:
        made = write_synthetic_set(
            sources, output, scenes=scenes, seed=seed, size=_size(size), on_scene=on_scene
        )
    if not quiet:
        note(f"wrote {counted(len(made), 'scene')} into {output}")


@app.command("check")
@guarded
def check(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Scenes of Kalantari's layout, shards, or radiance maps.",
            show_default=False,
        ),
    ],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Report what is broken in a dataset; exit code 3 if anything is."""
    from ahdr_cli.cli.streams import visible
    from ahdr_cli.training.dataset_check import check_dataset

    with progress("checking", quiet=quiet or as_json) as on_item:
        report = check_dataset(folder, on_item=on_item)
    count = len(report.problems)
    if as_json:
        listed = [{"path": str(found.path), "message": found.message} for found in report.problems]
        print_json({"kind": report.kind, "items": report.items, "problems": listed})
    else:
        for problem in report.problems:
            stdout().print(visible(str(problem)), markup=False)
    if count:
        raise InputError(f"{counted(count, 'problem')} found", path=folder)
    if not (quiet or as_json):
        note(f"{report.items} {_ITEMS[report.kind]}: nothing is wrong")


@app.command("preview")
@guarded
def preview(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="KIND:PATH[=WEIGHT]...",
            help="As for `ahdr train --data`.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="Contact sheet: .png or .jpg.")
    ],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=64, help="Samples.")] = 8,
    patch: Annotated[int, typer.Option("--patch", min=32, max=1024, help="Their side.")] = 256,
    first: Annotated[
        int, typer.Option("--first", min=0, max=2**62, help="Index of the first.")
    ] = 0,
    seed: _SeedOption = 0,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
) -> None:
    """Draw a contact sheet of training samples.

    One column each: short, reference and long frame, ground truth, and a naive merge, which
    shows ghosts where something moved.
    """
    from ahdr_cli.io import PREVIEW_SUFFIXES, check_output, write_preview
    from ahdr_cli.training.preview import preview_sheet
    from ahdr_cli.training.recipe import Recipe
    from ahdr_cli.training.sources import open_engine

    check_output(output, overwrite=overwrite, suffixes=PREVIEW_SUFFIXES)
    with progress("reading", quiet=quiet) as on_scene:
        engine = open_engine(sources, seed=seed, recipe=Recipe(), device="cpu", on_scene=on_scene)
    sheet = preview_sheet(engine, count, patch=patch, first=first)
    write_preview(output, sheet, overwrite=overwrite)
    if not quiet:
        note(f"wrote {output}")


_ITEMS = {"kalantari": "scenes", "packed": "set of shards", "hdr": "radiance maps"}


def _size(text: str) -> tuple[int, int]:
    """``480x320`` → (320, 480)."""
    width, separator, height = text.partition("x")
    if not (separator and width.isdecimal() and height.isdecimal()):
        raise UsageError(f"--size must be WIDTHxHEIGHT, got {text!r}")
    return int(height), int(width)
