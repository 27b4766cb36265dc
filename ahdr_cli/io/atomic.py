"""Files appear whole or not at all, and never in place of another one unasked.

A result is written to a hidden temporary file in the same folder and takes its name in one
step: ``os.replace`` where overwriting is wanted, ``os.link`` where it is not, because a link
fails if the name has been taken in the meantime. Killed at any moment, a process leaves the
final name absent or complete, and at most a ``.ahdr-tmp-…`` file beside it.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ahdr_cli.errors import AhdrError, OutputError, OutputExistsError, UsageError, reason_of
from ahdr_cli.io.place import real_path

__all__ = ["TEMPORARY_PREFIX", "atomic_path", "check_output", "check_suffix"]

TEMPORARY_PREFIX = ".ahdr-tmp-"
"""How the name of an unfinished file begins."""

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES)
"""Errors of ``link`` on file systems without hard links (FAT, some network drives)."""


def check_output(path: str | Path, *, overwrite: bool, suffixes: Collection[str]) -> None:
    """Find out before any work whether a result can be written.

    Args:
        path: where the result shall go.
        overwrite: whether an existing file may be replaced.
        suffixes: those that have a writer, lower case with the dot.

    Raises:
        OutputError: unknown suffix; missing or unwritable folder; the path is no regular file.
        OutputExistsError: the file exists and `overwrite` is False.
    """
    path = Path(path)
    check_suffix(path, suffixes)
    _check_target(path, overwrite=overwrite)
    folder = _target_of(path).parent
    if not os.access(folder, os.W_OK | os.X_OK):
        reason = "is on a read-only file system" if _is_read_only(folder) else "may not be written"
        raise OutputError(f"the folder {folder} {reason}", path=path)


def _is_read_only(folder: Path) -> bool:
    if not hasattr(os, "statvfs"):  # Windows
        return False
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def check_suffix(path: Path, suffixes: Collection[str]) -> None:
    """Refuse a path for whose suffix there is no writer.

    Raises:
        OutputError: the suffix is not among `suffixes`, lower case with the dot; or the path is
            that of a folder.
    """
    if path.suffix.lower() in suffixes:
        return
    expected = " or ".join(sorted(suffixes))
    if os.path.isdir(path):  # noqa: PTH112 # unlike Path.is_dir it never raises
        raise OutputError(f"is a folder, expected the name of a file, {expected}", path=path)
    if path.name.lower() in suffixes:
        raise OutputError("is a suffix without a name", path=path, hint=f"write out{path.name}")
    found = f"suffix {path.suffix!r}" if path.suffix else "has no suffix"
    raise OutputError(f"{found}, expected {expected}", path=path)


@contextmanager
def atomic_path(path: str | Path, *, overwrite: bool) -> Iterator[Path]:
    """Write a file under a temporary name; the final name appears when the block succeeds.

    A symbolic link is followed: its target is replaced, the link stays.

    Args:
        path: the final name.
        overwrite: whether an existing file may be replaced.

    Yields:
        The path to write to. It exists, is empty, and has the final suffix.

    Raises:
        OutputExistsError: the file exists, or came into being meanwhile.
        OutputError: whatever the operating system objects to, such as a full disk.
    """
    path = Path(path)
    _check_target(path, overwrite=overwrite)
    target = _target_of(path)
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{target.suffix}")
    try:
        # Not tempfile, whose files only their owner can read.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        _flush(temporary)
        if overwrite:
            temporary.replace(target)
        else:
            _place(temporary, target)
    except FileExistsError as error:
        raise _exists(path) from error
    except AhdrError:
        raise
    except OSError as error:
        raise OutputError(f"cannot be written: {reason_of(error)}", path=path) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _target_of(path: Path) -> Path:
    """What a path leads to, with links followed."""
    try:
        return real_path(path)
    except UsageError as error:
        raise OutputError(error.message, path=path, hint=error.hint) from error


def _check_target(path: Path, *, overwrite: bool) -> None:
    """The folder must exist, and the path be free or a regular file that may be replaced."""
    target = _target_of(path)
    try:
        if not target.parent.is_dir():
            raise OutputError(
                f"the folder {target.parent} does not exist", path=path, hint="create it first"
            )
        mode = target.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"cannot be written: {reason_of(error)}", path=path) from error
    if stat.S_ISDIR(mode):
        raise OutputError("is a folder, expected a file name", path=path)
    if not stat.S_ISREG(mode):
        raise OutputError("is not a regular file", path=path)
    if not overwrite:
        raise _exists(path)


def _place(temporary: Path, target: Path) -> None:
    """Give a finished file its name, failing if the name is taken.

    Raises:
        FileExistsError: the name is taken.
    """
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Without links, take the name first. A kill in between leaves an empty file, which is
        # better than somebody else's file lost.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        temporary.replace(target)


def _flush(path: Path) -> None:
    """Bring the contents to the disk before the name, lest a power cut leave an empty file."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exists(path: Path) -> OutputExistsError:
    return OutputExistsError("exists already", path=path, hint="pass --overwrite to replace it")
