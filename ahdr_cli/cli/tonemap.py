"""`ahdr tonemap`: an HDR image as a picture that any screen shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ahdr_cli.cli.console import guarded, note
from ahdr_cli.cli.options import OverwriteOption, QuietOption

__all__ = ["tonemap"]


@guarded
def tonemap(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="An .hdr, .exr or float .tif image.",
            show_default=False,
            readable=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="Result: .png or .jpg.")
    ],
    operator: Annotated[
        str,
        typer.Option("--operator", metavar="NAME", help="mu-law, reinhard, filmic or linear."),
    ] = "mu-law",
    exposure: Annotated[
        float, typer.Option("--exposure", metavar="EV", help="Brighten by this many stops first.")
    ] = 0.0,
    white: Annotated[
        float | None,
        typer.Option(
            "--white",
            metavar="VALUE",
            help="Radiance that becomes white. Default: the image's 99.9th percentile "
            "(linear: 1, the white of the reference frame).",
        ),
    ] = None,
    gamma: Annotated[
        float,
        typer.Option(
            "--gamma", metavar="G", min=0.1, max=10.0, help="Above 1 lifts the mid-tones."
        ),
    ] = 1.0,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
) -> None:
    """Tonemap an HDR image to PNG or JPEG."""
    from ahdr_cli.io import PREVIEW_SUFFIXES, check_output, read_hdr, write_preview
    from ahdr_cli.radiometry.tonemap import render

    check_output(output, overwrite=overwrite, suffixes=PREVIEW_SUFFIXES)
    image = read_hdr(source)
    shown = render(image.pixels, operator, exposure=exposure, gamma=gamma, white=white)
    write_preview(output, shown, image=image, overwrite=overwrite)
    if not quiet:
        note(f"wrote {output}")
