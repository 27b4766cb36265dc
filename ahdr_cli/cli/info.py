"""`ahdr info`: what files say of themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ahdr_cli.cli.console import guarded, print_json, stdout
from ahdr_cli.cli.options import JsonOption
from ahdr_cli.errors import AhdrError

__all__ = ["info"]


@guarded
def info(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Photographs or HDR images.", show_default=False),
    ],
    as_json: JsonOption = False,
) -> None:
    """Show size, bit depth, exposure and effective EV, or the range of HDR files."""
    from ahdr_cli.io import probe

    found = []
    failure: AhdrError | None = None
    for path in files:
        try:
            found.append(probe(path))
        except AhdrError as error:
            # The others are still worth showing; the first failure is reported after them.
            failure = failure or error

    if as_json:
        print_json({"files": [item.to_dict() for item in found]})
    else:
        for item in found:
            stdout().print(f"[bold]{item.path}[/bold]")
            for name, value in item.describe():
                stdout().print(f"  {name:<16} {value}", markup=False)
    if failure is not None:
        raise failure
