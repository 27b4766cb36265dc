"""What the user sees: one stream for words, one for data, and one handler for failures.

Data (tables asked for, `--json`) go to stdout, everything else to stderr, so that output can
be piped. rich honours NO_COLOR and leaves out colour and progress bars where there is no
terminal.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec

import typer

from ahdr_cli.errors import AhdrError, OutOfMemoryError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "DEBUG_VARIABLE",
    "EXIT_CODES",
    "complain",
    "guarded",
    "note",
    "print_json",
    "progress",
    "progress_bar",
    "shows_bars",
    "stderr",
    "stdout",
    "warn",
]

P = ParamSpec("P")

EXIT_CODES = {
    0: "ok",
    1: "unexpected failure",
    2: "usage",
    3: "input unreadable or unusable",
    4: "exposures missing or invalid",
    5: "model or weights",
    6: "output cannot be written",
    7: "device or memory",
    8: "some items of a batch failed",
    130: "interrupted",
    143: "terminated",
}
"""What each exit code means; `--help` and the README print this table."""

DEBUG_VARIABLE = "AHDR_DEBUG"
"""Set to anything, this environment variable lets unexpected failures show their traceback."""


@functools.cache
def stderr() -> Console:
    """The console for words."""
    from ahdr_cli.cli.streams import WordsConsole

    return WordsConsole(stderr=True, highlight=False, soft_wrap=True)


@functools.cache
def stdout() -> Console:
    """The console for data that a person reads."""
    from ahdr_cli.cli.streams import DataConsole

    console = DataConsole(highlight=False, soft_wrap=True)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        # A file or pipe has no width to keep to, and a cut table is of no use.
        console.width = 240
    return console


def shows_bars() -> bool:
    """Whether stderr is a terminal on which a line can be drawn again (`TERM=dumb` cannot)."""
    return stderr().is_terminal and not stderr().is_dumb_terminal


def note(text: str) -> None:
    """Say something that is neither data nor a problem."""
    _say(text)


def warn(text: str) -> None:
    """Say that something is doubtful; the command goes on."""
    stderr().print("[yellow]ahdr: warning:[/yellow] ", end="")
    _say(text)


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on stdout, plain, whatever the terminal."""
    from ahdr_cli.cli.streams import write_data

    write_data(json.dumps(value, indent=2, allow_nan=False, default=str) + "\n")


@contextmanager
def progress(description: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """:func:`progress_bar` as a callback (done, total)."""
    with progress_bar(description, quiet=quiet) as update:
        yield lambda done, total: update(completed=done, total=total)


@contextmanager
def progress_bar(
    description: str, *, total: int | None = None, quiet: bool = False
) -> Iterator[Callable[..., None]]:
    """A progress bar on a terminal, nothing elsewhere.

    Args:
        description: what is being done.
        total: of steps, if known yet.
        quiet: show nothing.

    Yields:
        What changes the bar: :meth:`rich.progress.Progress.update` without its task.
    """
    if quiet or not shows_bars():
        yield lambda **changes: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=stderr(), transient=True) as bar:
        yield functools.partial(bar.update, bar.add_task(description, total=total))


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The one handler: failures of `command` become a line on stderr and an exit code."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except AhdrError as error:
            complain(str(error))
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            complain("interrupted")
            raise typer.Exit(130) from error
        except BrokenPipeError as error:
            from ahdr_cli.cli.streams import abandon

            # The reader of our stdout has gone; keep the interpreter from saying so as well.
            abandon(sys.stdout)
            raise typer.Exit(0) from error
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            from ahdr_cli.inference.allocation import is_out_of_memory

            if is_out_of_memory(error):
                reason = " ".join(str(error).split()) or type(error).__name__
                complain(f"not enough memory: {reason}")
                raise typer.Exit(OutOfMemoryError.exit_code) from error
            if os.environ.get(DEBUG_VARIABLE):
                raise
            complain(
                f"unexpected {type(error).__name__}: {' '.join(str(error).split())} "
                f"(please report this; {DEBUG_VARIABLE}=1 shows where it happened)"
            )
            raise typer.Exit(1) from error

    return wrapper


def complain(text: str) -> None:
    """Say what failed, in a line; the exit code is the caller's."""
    stderr().print("[red]ahdr: error:[/red] ", end="")
    _say(text)


def _say(text: str) -> None:
    from ahdr_cli.cli.streams import visible

    stderr().print(visible(text), markup=False)
