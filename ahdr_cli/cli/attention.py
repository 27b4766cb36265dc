"""`ahdr attention`: where the network trusts the outer frames, as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ahdr_cli.cli.bracket_input import given_exposures, read_bracket
from ahdr_cli.cli.console import guarded, note, print_json, progress
from ahdr_cli.cli.options import (
    DeviceOption,
    EvFileOption,
    EvOption,
    ExposuresOption,
    JsonOption,
    ModelOption,
    OverwriteOption,
    QuietOption,
)
from ahdr_cli.errors import UsageError

if TYPE_CHECKING:
    from ahdr_cli.evaluation.pictures import Picture
    from ahdr_cli.images import FloatArray
    from ahdr_cli.inference.attention_maps import AttentionSummary

__all__ = ["attention"]

OVERVIEW = "overview.png"


@guarded
def attention(
    frames: Annotated[
        list[Path],
        typer.Argument(
            metavar="LOW MID HIGH",
            help="The photographs of one bracket, in any order.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the pictures go.")
    ],
    channels: Annotated[
        str,
        typer.Option(
            "--channels",
            metavar="auto|N,N,…",
            help="Channels to show one by one, counted from 0; auto: the four that vary most.",
        ),
    ] = "auto",
    exposures: ExposuresOption = None,
    ev: EvOption = None,
    ev_file: EvFileOption = None,
    model: ModelOption = "ahdrnet",
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write the attention maps of a bracket as pictures.

    Light places of a map are trusted; dark ones moved, are misaligned or clipped. For each side,
    short and long, the mean over all channels and some channels by themselves are written,
    their ranges stretched, and one overview that names the ranges.
    """
    chosen = _parse_channels(channels)
    given = given_exposures(exposures, ev, ev_file, len(frames))

    from ahdr_cli.checkpoints import load_checkpoint
    from ahdr_cli.evaluation.report import check_folder
    from ahdr_cli.inference.attention_maps import liveliest_channels, summarise_attention
    from ahdr_cli.inference.devices import select_device

    check_folder(output, (OVERVIEW, "short_mean.png", "long_mean.png"), overwrite=overwrite)
    bracket, _ = read_bracket(frames, given)
    net = load_checkpoint(model).build().to(select_device(device))
    if chosen is None:
        chosen = liveliest_channels(net, bracket)
    with progress("attention", quiet=quiet or as_json) as on_tile:
        summary = summarise_attention(net, bracket, channels=chosen, on_tile=on_tile)

    pictures = _draw(_maps(summary), [frame.pixels for frame in bracket.frames])
    written = _write(output, pictures, overwrite=overwrite)
    if as_json:
        print_json(
            {
                "output": [str(path) for path in written],
                "channels": list(summary.channels),
                "mean": {"short": float(summary.short.mean()), "long": float(summary.long.mean())},
            }
        )
    elif not quiet:
        note(f"wrote {len(written)} pictures to {output}")


def _parse_channels(text: str) -> tuple[int, ...] | None:
    if text == "auto":
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise UsageError(f"--channels must be auto or numbers such as 0,5,12, got {text!r}")
    return tuple(dict.fromkeys(int(part) for part in parts))


def _maps(summary: AttentionSummary) -> dict[str, FloatArray]:
    """File name without suffix → (H, W) attention."""
    maps = {}
    for side, mean, single in (
        ("short", summary.short, summary.short_channels),
        ("long", summary.long, summary.long_channels),
    ):
        maps[f"{side}_mean"] = mean
        for channel, values in zip(summary.channels, single, strict=True):
            maps[f"{side}_channel_{channel:02d}"] = values
    return maps


def _draw(maps: dict[str, FloatArray], frames: list[FloatArray]) -> dict[str, Picture]:
    """Every map, its range stretched, and the overview that says the ranges."""
    from ahdr_cli.evaluation.pictures import legend, map_picture, sheet, stretch, thumbnail
    from ahdr_cli.radiometry.tonemap import to_uint8

    pictures, captions = {}, {}
    for name, values in maps.items():
        low, high = stretch(values)
        pictures[f"{name}.png"] = map_picture(values, low=low, high=high)
        captions[name] = f"{name.replace('_', ' ')}: {low:.2f} to {high:.2f}"
    rows = [list(zip(("short", "reference", "long"), map(to_uint8, frames), strict=True))]
    for side in ("short", "long"):
        names = [name for name in maps if name.startswith(side)]
        rows.append([(captions[name], pictures[f"{name}.png"]) for name in names])
    small = [[(caption, thumbnail(picture, width=320)) for caption, picture in row] for row in rows]
    bar = legend(title="attention, least to most trusted; ranges in the captions", width=420)
    pictures[OVERVIEW] = sheet(small, below=bar)
    return pictures


def _write(folder: Path, pictures: dict[str, Picture], *, overwrite: bool) -> list[Path]:
    from ahdr_cli.evaluation.pictures import write_png

    return [
        write_png(folder / name, picture, overwrite=overwrite) for name, picture in pictures.items()
    ]
