"""The place of a result: which files a set writes there, and whether it may.

A file is replaced unasked only if it is ours and untouched: the record beside the result has its
hash, or says that it was being written when a run ended. What the user has put there or edited
stays.
"""

from __future__ import annotations

import os
from pathlib import Path

from ahdr_cli.batch.options import BatchOptions
from ahdr_cli.batch.plan import PlannedSet
from ahdr_cli.batch.record import Record, preview_path, read_record, record_path, sha256_of
from ahdr_cli.batch.report import has_report
from ahdr_cli.batch.thumbnail import thumbnail_path
from ahdr_cli.errors import OutputError, OutputExistsError, UsageError
from ahdr_cli.io.place import real_path

__all__ = ["check_place", "kept_preview"]


def check_place(planned: PlannedSet, folder: Path, *, options: BatchOptions) -> None:
    """Find out before the work whether a set's files may be written.

    Args:
        planned: the set.
        folder: of the results.
        options: of the batch.

    Raises:
        OutputExistsError: a file is there that is not ours, or not as we left it.
        OutputError: the place cannot be written to.
        UsageError: an output is an input as well.
    """
    from ahdr_cli.io import HDR_SUFFIXES, check_output

    output = folder / planned.output
    if output.suffix.lower() not in HDR_SUFFIXES:
        raise OutputError(
            f"suffix {output.suffix!r}, expected {' or '.join(sorted(HDR_SUFFIXES))}",
            path=output,
        )
    targets = [output, *([preview_path(output)] if options.preview else [])]
    inputs = {real_path(path) for path in planned.inputs}
    for target in targets:
        if real_path(target) in inputs:
            raise UsageError("is both an input and an output", path=target)
    if output.parent.is_dir():
        check_output(output, overwrite=True, suffixes=HDR_SUFFIXES)
    if options.overwrite:
        return
    record = read_record(output)
    if record is None:
        for path in (*targets, record_path(output)):
            if os.path.lexists(path):
                raise _exists(path)
        # A thumbnail may still be ours: one can throw the results away, and keep the report.
        thumbnail = thumbnail_path(folder, planned.output)
        if os.path.lexists(thumbnail) and not has_report(folder):
            raise _exists(thumbnail)
        return
    for path in targets:
        if os.path.lexists(path) and not record.covers(path, output):
            if path.name in record.outputs:
                raise OutputExistsError(
                    "is not as ahdr batch left it: edited since, or damaged",
                    path=path,
                    hint="delete it, or pass --overwrite, to have it made again",
                )
            raise _exists(path)


def kept_preview(output: Path, record: Record | None) -> dict[str, str]:
    """The preview of an earlier run that this one does not replace: name -> SHA-256.

    The next record must still know it as ours, for a later run with previews.
    """
    preview = preview_path(output)
    try:
        if record is not None and record.covers(preview, output):
            return {preview.name: sha256_of(preview)}
    except OSError:
        pass  # it is gone
    return {}


def _exists(path: Path) -> OutputExistsError:
    return OutputExistsError(
        "exists already and is not known to be a result of ahdr batch",
        path=path,
        hint="pass --overwrite to replace it",
    )
