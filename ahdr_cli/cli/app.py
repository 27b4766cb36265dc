"""`ahdr`: the commands put together."""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
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
from ahdr_cli.cli.root import Root
from ahdr_cli.cli.streams import SilencedWords, abandon, unwritable

__all__ = ["app", "main"]

_EPILOG = "Exit codes: " + ", ".join(f"{code} {text}" for code, text in EXIT_CODES.items()) + "."

app = typer.Typer(
    name="ahdr",
    cls=Root,
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


def main() -> NoReturn:
    """Entry point of the `ahdr` command, once everything is imported."""
    # A polite kill unwinds the stack, so that temporary files are removed on the way out.
    signal.signal(signal.SIGTERM, _exit_on_signal)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 # to the end
            setattr(sys, name, nowhere)
        elif isinstance(stream, io.TextIOWrapper):
            # Names of files need not be text, nor need a terminal know Greek letters.
            stream.reconfigure(errors="backslashreplace")
            if name == "stderr":
                sys.stderr = SilencedWords(stream)
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        abandon(sys.stdout)
        code = 0
    except OSError as error:
        abandon(sys.stdout)
        failure = unwritable(error)
        sys.stderr.write(f"ahdr: error: {failure}\n")
        code = failure.exit_code
    sys.exit(code)


def _run() -> int | str | None:
    try:
        app()
    except SystemExit as stopped:
        return stopped.code
    return 0


def _exit_on_signal(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
