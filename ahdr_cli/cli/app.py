"""`ahdr`: the commands put together."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from ahdr_cli._version import __version__
from ahdr_cli.cli import (
    attention,
    batch,
    bench,
    data,
    doctor,
    evaluate,
    info,
    merge,
    models,
    tonemap,
    train,
)
from ahdr_cli.cli.console import EXIT_CODES

__all__ = ["app", "main"]

_EPILOG = "Exit codes: " + ", ".join(f"{code} {text}" for code, text in EXIT_CODES.items()) + "."

app = typer.Typer(
    name="ahdr",
    help="Merge bracketed photographs into one ghost-free HDR image.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        sys.stdout.write(f"ahdr {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Merge bracketed photographs into one ghost-free HDR image."""


app.command("merge", epilog=_EPILOG)(merge.merge)
app.command("batch", epilog=_EPILOG)(batch.batch)
app.command("tonemap", epilog=_EPILOG)(tonemap.tonemap)
app.command("info", epilog=_EPILOG)(info.info)
app.command("eval", epilog=_EPILOG)(evaluate.evaluate)
app.command("attention", epilog=_EPILOG)(attention.attention)
app.command("doctor", epilog=_EPILOG)(doctor.doctor)
app.command("bench", epilog=_EPILOG)(bench.bench)
app.command("train", epilog=_EPILOG)(train.train)
app.add_typer(data.app, name="data", epilog=_EPILOG)
app.add_typer(models.app, name="models", epilog=_EPILOG)


def main() -> None:
    """Entry point of the `ahdr` command."""
    # A polite kill unwinds the stack, so that temporary files are removed on the way out.
    signal.signal(signal.SIGTERM, _exit_on_signal)
    app()


def _exit_on_signal(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
