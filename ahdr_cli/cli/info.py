"""`ahdr info`: what files say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ahdr_cli.cli.console import complain, guarded, print_json, stdout
from ahdr_cli.cli.options import JsonOption
from ahdr_cli.errors import AhdrError

if TYPE_CHECKING:
    from ahdr_cli.images import Exposure
    from ahdr_cli.io import FileInfo

__all__ = ["info"]


@guarded
def info(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Photographs or HDR images.", show_default=False, readable=False
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Show size, bit depth, exposure and effective EV, or the range of HDR files."""
    from ahdr_cli.cli.streams import visible
    from ahdr_cli.io import probe

    found = []
    failures = []
    for path in files:
        try:
            found.append(probe(path))
        except AhdrError as error:
            failures.append(error)  # the others are still worth showing

    if as_json:
        errors = [
            {"path": str(error.path), "message": error.message, "hint": error.hint}
            for error in failures
        ]
        print_json({"files": [item.to_dict() for item in found], "errors": errors})
    else:
        for item in found:
            stdout().print(visible(str(item.path)), markup=False, style="bold")
            for name, value in _describe(item):
                stdout().print(f"  {name:<22}{visible(value)}", markup=False)
    for failure in failures:
        complain(str(failure))
    if failures:
        raise typer.Exit(failures[0].exit_code)


def _describe(item: FileInfo) -> Iterator[tuple[str, str]]:
    """What is known, as (name, text); what is not known is left out."""
    depth = "" if item.bit_depth is None else f", {item.bit_depth} bit"
    yield "format", f"{item.format}{depth}, {item.channels} channels"
    yield "size", f"{item.width} × {item.height}"
    if item.exposure is not None:
        yield from _describe_exposure(item.exposure)
    elif not item.is_hdr:
        yield "exposure", "not in the file; merge with --ev or --exposures"
    metadata = item.metadata
    for name, text in (
        ("camera", metadata.camera),
        ("lens", metadata.lens),
        ("captured", metadata.captured_at),
        ("profile", metadata.colour_profile),
        ("colour space", item.colour_space),
    ):
        if text:
            yield name, text
    if not item.is_hdr and metadata.orientation != 1:
        yield "orientation", f"{metadata.orientation}, applied when the file is read"
    if (found := item.statistics) is not None:
        if found.minimum is not None and found.maximum is not None:
            yield "range", f"{found.minimum:.4g} … {found.maximum:.4g}"
        for percent, value in found.percentiles.items():
            yield f"{percent:g} % below", f"{value:.4g}"
        for name, count in (
            ("NaN", found.nan),
            ("infinite", found.infinite),
            ("negative", found.negative),
        ):
            if count:
                yield name, f"{count} values"
    for name, text in item.attributes.items():
        yield name, text


def _describe_exposure(exposure: Exposure) -> Iterator[tuple[str, str]]:
    seconds = exposure.seconds
    shutter = f"{seconds:g} s" if seconds >= 0.3 else f"1/{1 / seconds:.4g} s"
    parts = [shutter]
    if exposure.iso is not None:
        parts.append(f"ISO {exposure.iso:g}")
    if exposure.f_number is not None:
        parts.append(f"f/{exposure.f_number:.3g}")
    if exposure.bias is not None:
        parts.append(f"compensation {exposure.bias:+.2g} EV")
    yield "exposure", ", ".join(parts)
    yield "effective EV", f"{exposure.ev:+.2f}"
