"""The folder of results, with a corner for unfinished files and a lock against a second run.

``OUT/.ahdr-work/<share>/`` holds files that are being written; they move to their place in one
step. What a killed run left there is removed by the next. The lock is the operating system's
(``flock``), so that a killed process leaves none behind.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ahdr_cli.batch.shard import Shard
from ahdr_cli.errors import OutputError, UsageError, reason_of
from ahdr_cli.io.atomic import TEMPORARY_PREFIX
from ahdr_cli.io.lock import FileLock

__all__ = ["WORK_FOLDER", "open_workspace"]

WORK_FOLDER = ".ahdr-work"
_LOCK = "lock"
_SETTLED = 60.0
"""Seconds after which a share that was starting has its lock."""


@contextmanager
def open_workspace(
    output: Path,
    *,
    shard: Shard = Shard(),  # noqa: B008 # frozen
) -> Iterator[Path]:
    """Make the folder of results and lend a folder for unfinished files.

    Args:
        output: folder of the results.
        shard: processes with different shards may share the folder.

    Yields:
        An empty folder on the same file system as the results.

    Raises:
        OutputError: a folder cannot be made.
        UsageError: another process is working on this share.
    """
    work = output / WORK_FOLDER
    own = work / f"{shard.index}-of-{shard.count}"
    staging = own / secrets.token_hex(4)
    try:
        own.mkdir(parents=True, exist_ok=True)
        lock = FileLock.take(own / _LOCK)
        if lock is None:
            raise UsageError(
                f"another ahdr batch is working here (shard {shard})",
                path=output,
                hint="wait for it, or share the work with --shard I/N",
            )
        _sweep(work, own)
        staging.mkdir()
    except OSError as error:
        raise OutputError(f"cannot be worked in: {reason_of(error)}", path=output) from error
    try:
        yield staging
    finally:
        shutil.rmtree(own, ignore_errors=True)
        lock.release()
        with suppress(OSError):
            work.rmdir()  # only if no other share is at work


def _sweep(work: Path, own: Path) -> None:
    """Remove what killed runs left, of this share and of others that nobody works on."""
    for entry in own.iterdir():
        if entry.name != _LOCK:
            shutil.rmtree(entry, ignore_errors=True)
    # Reports and manifests, which are written beside the results in an instant.
    for unfinished in work.parent.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError):
            if _age(unfinished) > _SETTLED:
                unfinished.unlink()
    for folder in work.iterdir():
        if folder == own:
            continue
        with suppress(OSError):
            # A share that starts this moment has its folder and not yet its lock.
            if _age(folder / _LOCK) < _SETTLED:
                continue
            lock = FileLock.take(folder / _LOCK)
            if lock is not None:
                if lock.sure:
                    shutil.rmtree(folder, ignore_errors=True)
                lock.release()


def _age(path: Path) -> float:
    """Seconds since a file was written."""
    return time.time() - path.stat().st_mtime
