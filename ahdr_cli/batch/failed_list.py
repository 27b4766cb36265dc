"""The list of the sets that failed: a manifest with a mark, by which the next run recognises it.

Without ``--overwrite`` a run replaces only such a list, so that the same command can be given
again, and never a manifest that somebody wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ahdr_cli.batch.manifest import check_suffix, is_failed_list, write_manifest
from ahdr_cli.batch.result import SetResult
from ahdr_cli.errors import OutputExistsError, UsageError
from ahdr_cli.io.place import real_path

__all__ = ["check_failed_list", "write_failed_list"]


def check_failed_list(
    path: Path,
    *,
    folder: Path,
    manifest: Path | None,
    others: Mapping[str, Path | None],
    overwrite: bool,
) -> None:
    """Find out before the work whether the list may be written.

    Args:
        path: of the list.
        folder: of the results, which the run makes if need be.
        manifest: what the run reads; a list of ours may be fed back, and keeps what fails again.
        others: files that have another purpose in this run, by what they are.
        overwrite: whether a file that is no such list may be replaced.

    Raises:
        UsageError: the suffix is unknown, or the file is one of the others.
        OutputExistsError: a file that is no such list is there, and `overwrite` is False.
        OutputError: the list cannot be written.
    """
    from ahdr_cli.io import check_output

    check_suffix(path)
    ours = is_failed_list(path)
    place = real_path(path)
    for what, other in {"the manifest": None if ours else manifest, **others}.items():
        if other is not None and real_path(other) == place:
            raise UsageError(
                f"is both {what} and the list of what failed", path=path, hint="name another file"
            )
    if place.parent == real_path(folder) and not folder.is_dir():
        return
    check_output(path, overwrite=True, suffixes={path.suffix.lower()})
    if path.exists() and not (ours or overwrite):
        raise OutputExistsError(
            "exists already and is not a list by --failed-list",
            path=path,
            hint="name another file, or pass --overwrite to replace it",
        )


def write_failed_list(path: Path, failures: Sequence[SetResult], *, overwrite: bool) -> None:
    """Write the sets that failed, with their reasons.

    Raises:
        UsageError, OutputError: as :func:`check_failed_list` says.
    """
    sets = [replace(result.planned, reason=result.reason or "") for result in failures]
    write_manifest(path, sets, overwrite=overwrite or is_failed_list(path), failed=True)
