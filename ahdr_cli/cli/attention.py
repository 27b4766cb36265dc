"""`ahdr attention`: where the network trusts the outer frames, as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ahdr_cli.cli.bracket_input import given_exposures, read_bracket
from ahdr_cli.cli.console import guarded, note, print_json, progress
from ahdr_cli.cli.options import (
    AlignOption,
    DeviceOption,
    EvFileOption,
    EvOption,
    ExposuresOption,
    JsonOption,
    NamedModelOption,
    OverwriteOption,
    QuietOption,
    ResponseOption,
)
from ahdr_cli.errors import UsageError, counted

if TYPE_CHECKING:
    from ahdr_cli.evaluation.pictures import Picture

__all__ = ["attention"]


@guarded
def attention(
    frames: Annotated[
        list[Path],
        typer.Argument(
            metavar="LOW MID HIGH",
            help="The photographs of one bracket, in any order.",
            readable=False,
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
    model: NamedModelOption = "ahdrnet",
    device: DeviceOption = "auto",
    align: AlignOption = "auto",
    response: ResponseOption = "auto",
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
    from ahdr_cli.evaluation.attention_pictures import attention_pictures, picture_names
    from ahdr_cli.evaluation.networks import as_merged
    from ahdr_cli.evaluation.report import check_folder
    from ahdr_cli.inference.attention_maps import liveliest_channels, summarise_attention
    from ahdr_cli.inference.devices import select_device
    from ahdr_cli.merging import MergeOptions

    options = MergeOptions(device=device, align=align, response=response)
    check_folder(output, picture_names(chosen or ()), overwrite=overwrite)
    bracket = as_merged(read_bracket(frames, given), options=options)
    net = load_checkpoint(model).build().to(select_device(device))
    if chosen is None:
        chosen = liveliest_channels(net, bracket)
        check_folder(output, picture_names(chosen), overwrite=overwrite)
    with progress("attention", quiet=quiet or as_json) as on_tile:
        summary = summarise_attention(net, bracket, channels=chosen, on_tile=on_tile)

    pictures = attention_pictures(summary, bracket)
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
        note(f"wrote {counted(len(written), 'picture')} to {output}")


def _parse_channels(text: str) -> tuple[int, ...] | None:
    if text == "auto":
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise UsageError(f"--channels must be auto or numbers such as 0,5,12, got {text!r}")
    return tuple(dict.fromkeys(int(part) for part in parts))


def _write(folder: Path, pictures: dict[str, Picture], *, overwrite: bool) -> list[Path]:
    from ahdr_cli.evaluation.pictures import write_png
    from ahdr_cli.io.place import make_folder

    make_folder(folder)
    return [
        write_png(folder / name, picture, overwrite=overwrite) for name, picture in pictures.items()
    ]
