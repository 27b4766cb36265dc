"""stdout and stderr that may be closed, full, or without a reader.

Words that cannot be shown must not stop work whose result is a file. Data that cannot be written is
an error, unless nobody reads it any more.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import IO, Any, NoReturn

from rich.console import Console

from ahdr_cli.errors import OutputError, reason_of

__all__ = [
    "DataConsole",
    "SilencedWords",
    "WordsConsole",
    "abandon",
    "unwritable",
    "visible",
    "write_data",
]


def visible(text: str) -> str:
    """`text` in one line: control characters, which names of files may hold, as escapes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def abandon(stream: IO[str]) -> None:
    """Discard what is still to be written to `stream`, also at the end of the process."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def write_data(text: str) -> None:
    """Write to stdout, at once.

    Raises:
        BrokenPipeError: nobody reads it.
        OutputError: it cannot be written.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon(sys.stdout)
        raise unwritable(error) from error


class SilencedWords(io.TextIOWrapper):
    """stderr that falls silent when it cannot be written: its disk is full, its reader has gone.

    All words of the process go through it, those of the libraries and the interpreter, too, so that
    the exit code says how the work went, whether or not anybody could be told.

    Args:
        stream: what stands there; it is kept, and must not be written to any more.
    """

    def __init__(self, stream: io.TextIOWrapper) -> None:
        stream.flush()
        super().__init__(
            stream.buffer, encoding=stream.encoding, errors=stream.errors, line_buffering=True
        )
        self._kept = stream  # which closes the buffer when it is collected

    def write(self, text: str) -> int:
        """Write, or discard."""
        try:
            return super().write(text)
        except OSError:
            abandon(self)
            return len(text)

    def flush(self) -> None:
        """Flush, or discard."""
        try:
            super().flush()
        except OSError:
            abandon(self)


class WordsConsole(Console):
    """On stderr. When its reader has gone it falls silent, and the work goes on."""

    def on_broken_pipe(self) -> None:
        """Called by rich."""
        self.quiet = True
        abandon(sys.stderr)


class DataConsole(Console):
    """On stdout. Raises what :func:`write_data` raises."""

    def on_broken_pipe(self) -> NoReturn:
        """Called by rich while it handles the error."""
        raise  # noqa: PLE0704 # the error that is being handled

    def print(self, *objects: Any, **settings: Any) -> None:  # noqa: ANN401 # as rich has it
        """See :meth:`rich.console.Console.print`."""
        try:
            super().print(*objects, **settings)
        except BrokenPipeError:
            raise
        except OSError as error:
            abandon(sys.stdout)
            raise unwritable(error) from error


def unwritable(error: OSError) -> OutputError:
    """What to tell the user when stdout refuses data, or the file that the error names does."""
    if error.filename is not None:  # `--install-completion` writes below the home folder
        return OutputError(f"cannot be written: {reason_of(error)}", path=str(error.filename))
    return OutputError(f"standard output cannot be written: {reason_of(error)}")
