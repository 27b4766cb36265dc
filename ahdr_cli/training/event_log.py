"""Events on disk: always a JSONL file, and TensorBoard's where that is installed.

A line of ``log.jsonl`` is a JSON table with ``event`` (``progress``, ``validated``, ``saved``)
and that event's fields, see :mod:`ahdr_cli.training.events`. Numbers are written in full, so that
equal runs have equal lines.
"""

from __future__ import annotations

import importlib.util
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from ahdr_cli.errors import MissingDependencyError, OutputError
from ahdr_cli.io.atomic import atomic_path
from ahdr_cli.training.events import Event

__all__ = ["LOG_NAME", "JsonLog", "TensorBoardLog", "open_tensorboard", "read_log"]

LOG_NAME = "log.jsonl"
"""The log's name in a run's folder."""


class JsonLog:
    """Appends events to a file, each line flushed at once.

    Args:
        path: of the file.
        step: where the run goes on. Lines of later steps are dropped: they tell of work that
            was lost in a kill and will be done again.

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(self, path: Path, *, step: int) -> None:
        kept = [line for line in read_log(path) if line["step"] <= step] if step else []
        with atomic_path(path, overwrite=True) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in kept))
        try:
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"log cannot be written: {error.strerror}", path=path) from error

    def __call__(self, event: Event) -> None:
        """Write one event."""
        line = {"event": type(event).__name__.lower(), **asdict(event)}
        # JSON knows no infinity, which a gradient in 16 bits may have.
        plain = {name: _finite(value) for name, value in line.items()}
        self._file.write(json.dumps(plain, allow_nan=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _finite(value: object) -> object:
    """None for a number that is none."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; an incomplete last one, as a kill may leave it, is left out."""
    if not path.is_file():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            lines.append(line)
    return lines


class TensorBoardLog:
    """Writes the numbers of events as TensorBoard scalars, by step.

    Args:
        folder: for the event files.
        step: where the run goes on; later scalars of an earlier session are hidden.
    """

    def __init__(self, folder: Path, *, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=step)

    def __call__(self, event: Event) -> None:
        """Write one event."""
        kind = type(event).__name__.lower()
        for name, value in asdict(event).items():
            if name != "step" and isinstance(value, float):
                self._writer.add_scalar(f"{kind}/{name}", value, event.step)

    def close(self) -> None:
        """Flush and close."""
        self._writer.close()


def open_tensorboard(
    mode: Literal["auto", "on", "off"], folder: Path, *, step: int
) -> TensorBoardLog | None:
    """A TensorBoard log if it is wanted and can be had.

    Raises:
        MissingDependencyError: `mode` is ``on`` and TensorBoard is not installed.
    """
    installed = importlib.util.find_spec("tensorboard") is not None
    if mode == "on" and not installed:
        raise MissingDependencyError(
            "TensorBoard is not installed", hint="pip install 'ahdr[train]'"
        )
    return TensorBoardLog(folder, step=step) if installed and mode != "off" else None
