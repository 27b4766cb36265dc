"""The folder of a run: what lies in it, and whether a run may use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ahdr_cli.errors import OutputError, OutputExistsError, UsageError
from ahdr_cli.io.lock import FileLock
from ahdr_cli.training.config import TrainConfig
from ahdr_cli.training.event_log import LOG_NAME, read_log
from ahdr_cli.training.run_state import STATE_NAME

__all__ = [
    "BEST_NAME",
    "LAST_NAME",
    "check_folder",
    "check_resumable",
    "only_run",
    "remove_if_empty",
]

LAST_NAME = "last.safetensors"
BEST_NAME = "best.safetensors"

_LOCK_NAME = ".ahdr-lock"


def check_folder(out: Path, *, resuming: bool) -> None:
    """Make the folder of a run, or refuse it.

    Raises:
        OutputError: it cannot be made.
        OutputExistsError: it holds another run.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"folder cannot be made: {error.strerror}", path=out) from error
    if resuming:
        return
    for name in (STATE_NAME, LAST_NAME, BEST_NAME):
        if (out / name).exists():
            raise OutputExistsError(
                f"holds {name} of an earlier run",
                path=out,
                hint="pass --resume to go on with it, or another folder to --out",
            )

    log = out / LOG_NAME
    if log.exists() and not _is_log(log):
        raise OutputExistsError(
            f"holds a {LOG_NAME} that no run has written",
            path=out,
            hint="give --out another folder",
        )


@contextmanager
def only_run(out: Path) -> Iterator[None]:
    """While it lasts, no other run may use the folder.

    Raises:
        UsageError: one is using it.
        OutputError: the folder cannot be written to.
    """
    try:
        lock = FileLock.take(out / _LOCK_NAME)
    except OSError as error:
        raise OutputError(f"cannot be worked in: {error.strerror}", path=out) from error
    if lock is None:
        raise UsageError(
            "another ahdr train is working here",
            path=out,
            hint="wait for it, or give --out another folder",
        )
    try:
        yield
    finally:
        with suppress(OSError):
            (out / _LOCK_NAME).unlink()
        lock.release()


def remove_if_empty(folder: Path) -> None:
    """Take back a folder that was made for nothing."""
    with suppress(OSError):  # it holds something, or is gone
        folder.rmdir()


def _is_log(path: Path) -> bool:
    """Whether a log is of a run, such as one that was killed before it saved anything."""
    if not path.is_file():
        return False
    size = path.stat().st_size
    return size == 0 or any("event" in line for line in read_log(path))


def check_resumable(old: TrainConfig, new: TrainConfig) -> None:
    """Refuse to go on with a run as if it had been another one.

    Raises:
        UsageError: what may not change between the parts of a run does.
    """
    for name in ("seed", "init", "model"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            raise UsageError(
                f"the run to resume has {name} {before!r}, asked for is {after!r}",
                hint="start a new run from its weights: --set init=PATH/last.safetensors",
            )
