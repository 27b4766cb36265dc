"""The folder of a run: what lies in it, and whether a run may use it."""

from __future__ import annotations

from pathlib import Path

from ahdr_cli.errors import OutputError, OutputExistsError, UsageError
from ahdr_cli.training.config import TrainConfig
from ahdr_cli.training.run_state import STATE_NAME

__all__ = ["BEST_NAME", "LAST_NAME", "check_folder", "check_resumable"]

LAST_NAME = "last.safetensors"
BEST_NAME = "best.safetensors"


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
