"""Whether a set may write its files where the plan puts them.

Without ``--overwrite`` a file is replaced only if ahdr wrote it and nobody changed it: the record
beside the result has its hash, or says that it was being written when a run ended. What the user
has put there or edited stays.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ahdr_cli.batch.options import BatchOptions
from ahdr_cli.batch.plan import PlannedSet
from ahdr_cli.batch.record import Record, preview_path, read_record, record_path, sha256_of
from ahdr_cli.batch.report import has_report
from ahdr_cli.batch.thumbnail import thumbnail_path
from ahdr_cli.errors import OutputExistsError, UsageError
from ahdr_cli.io.atomic import check_suffix
from ahdr_cli.io.place import real_path

__all__ = ["check_place", "check_places", "kept_preview"]


def check_places(sets: Sequence[PlannedSet], folder: Path, *, preview: bool) -> None:
    """Refuse, before any work, sets that would overwrite each other's files.

    No result or preview may replace a photograph, that of another set included, whatever
    `--overwrite` says; and a preview has one owner: ``x.exr`` and ``x.hdr`` share a stem.

    Args:
        sets: all sets of the batch, of all shards.
        folder: of the results.
        preview: whether previews will be written.

    Raises:
        UsageError: they would.
    """
    inputs = {real_path(path): planned for planned in sets for path in planned.inputs}
    owners: dict[str, PlannedSet] = {}
    for planned in sets:
        output = folder / planned.output
        targets = {output: "a result"}
        if preview:
            targets[preview_path(output)] = f"the preview of {planned.output}"
        for target, role in targets.items():
            other = inputs.get(real_path(target))
            if other is not None:
                raise UsageError(
                    f"would be both an input of {other.output} and {role}",
                    path=target,
                    hint="write the results to another folder, or name them differently",
                )
        # Some file systems take a.png and A.png for one file.
        shared = str(preview_path(output)).casefold()
        owner = owners.setdefault(shared, planned) if preview else planned
        if owner is not planned:
            raise UsageError(
                f"{owner.output} and {planned.output} would have the same preview",
                path=preview_path(output),
                hint="name them differently, or leave out --preview",
            )


def check_place(planned: PlannedSet, folder: Path, *, options: BatchOptions) -> None:
    """Find out before the work whether a set's files may be written.

    Args:
        planned: the set.
        folder: of the results.
        options: of the batch.

    Raises:
        OutputExistsError: a file is there that is not ours, or not as we left it.
        OutputError: the place cannot be written to.
    """
    from ahdr_cli.io import HDR_SUFFIXES, check_output

    output = folder / planned.output
    check_suffix(output, HDR_SUFFIXES)
    targets = [output, *([preview_path(output)] if options.preview else [])]
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
