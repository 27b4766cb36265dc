"""The report: ``report.json`` for programs and ``index.html`` for a quick look by eye."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ahdr_cli._version import __version__
from ahdr_cli.batch.options import BatchOptions
from ahdr_cli.batch.page import is_page, render_page
from ahdr_cli.batch.plan import Plan
from ahdr_cli.batch.result import SetResult
from ahdr_cli.batch.shard import Shard
from ahdr_cli.errors import OutputExistsError

__all__ = ["Summary", "check_report", "has_report", "report_paths", "summarise", "write_report"]

_START = 2000
"""Bytes of a file that are read to recognise a report of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The report in numbers.

    Attributes:
        done, skipped, failed: sets by what became of them.
        waiting: sets not reached, where a run was interrupted.
        left_out, unreadable: files in no set, and damaged ones.
        seconds: wall-clock time of the run.
        images_per_second: results written a second; None if there are none.
    """

    done: int
    skipped: int
    failed: int
    waiting: int
    left_out: int
    unreadable: int
    seconds: float
    images_per_second: float | None


def summarise(plan: Plan, results: Sequence[SetResult], *, seconds: float) -> Summary:
    """Count what became of the sets."""
    count = {
        status: sum(result.status == status for result in results)
        for status in ("done", "skipped", "failed")
    }
    return Summary(
        **count,
        waiting=len(plan.sets) - len(results),
        left_out=len(plan.left_out),
        unreadable=len(plan.unreadable),
        seconds=seconds,
        images_per_second=count["done"] / seconds if count["done"] and seconds > 0 else None,
    )


def report_paths(folder: Path, shard: Shard) -> tuple[Path, Path]:
    """Where the JSON file and the page go; shares do not replace each other's."""
    return folder / f"report{shard.suffix}.json", folder / f"index{shard.suffix}.html"


def check_report(folder: Path, *, shard: Shard, overwrite: bool) -> None:
    """Find out before the work whether a report may be written.

    Args:
        folder: of the results; it need not exist yet.
        shard: this process's share.
        overwrite: whether files that are no reports of ours may be replaced.

    Raises:
        OutputExistsError: such a file is there, and `overwrite` is False.
        OutputError: a path is not that of a regular file, or the folder is not writable.
    """
    from ahdr_cli.io import check_output

    for path in report_paths(folder, shard) if folder.is_dir() else ():
        check_output(path, overwrite=True, suffixes={path.suffix})
        if os.path.lexists(path) and not (overwrite or _is_ours(path)):
            raise OutputExistsError(
                "exists already and is not a report of ahdr batch",
                path=path,
                hint="move it away, or pass --overwrite to replace it",
            )


def has_report(folder: Path) -> bool:
    """Whether a report of ours lies in the folder, of whatever share."""
    return any(_is_ours(path) for path in folder.glob("report*.json"))


def _is_ours(path: Path) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            start = file.read(_START).decode("utf-8", errors="replace")
    except OSError:
        return False
    if path.suffix == ".json":
        return re.match(r'\s*\{\s*"ahdr_report"\s*:', start) is not None
    return is_page(start)


def write_report(
    folder: Path,
    plan: Plan,
    results: Sequence[SetResult],
    *,
    options: BatchOptions,
    seconds: float,
    shard: Shard = Shard(),  # noqa: B008 # frozen
) -> tuple[Path, Path]:
    """Write both files, replacing those of an earlier run, and no others unless `options` say so.

    Args:
        folder: of the results.
        plan: this process's share.
        results: in any order.
        options: of the batch.
        seconds: wall-clock time of the run.
        shard: goes into the file names, so that shares do not replace each other's.

    Returns:
        The paths of the JSON file and of the page.

    Raises:
        OutputError: they cannot be written; see also :func:`check_report`.
    """
    from ahdr_cli.io import atomic_path

    content = _content(plan, results, options=options, seconds=seconds, shard=shard)
    check_report(folder, shard=shard, overwrite=options.overwrite)
    data, page = report_paths(folder, shard)
    with atomic_path(data, overwrite=True) as temporary:
        text = json.dumps(content, indent=1, allow_nan=False, default=str)
        temporary.write_text(text + "\n", encoding="utf-8")
    with atomic_path(page, overwrite=True) as temporary:
        # Names of files need not be text: a byte that is none is shown as an escape.
        temporary.write_text(render_page(content), encoding="utf-8", errors="backslashreplace")
    return data, page


def _content(
    plan: Plan,
    results: Sequence[SetResult],
    *,
    options: BatchOptions,
    seconds: float,
    shard: Shard,
) -> dict[str, Any]:
    summary = summarise(plan, results, seconds=seconds)
    order = {planned.output: i for i, planned in enumerate(plan.sets)}
    ordered = sorted(results, key=lambda result: order.get(result.planned.output, len(order)))
    return {
        "ahdr_report": 1,
        "version": __version__,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "shard": str(shard),
        "model": options.model,
        "options": options.identity(),
        "summary": asdict(summary) | {"seconds": round(seconds, 3)},
        "sets": [result.to_dict() for result in ordered],
        "left_out": [item.to_dict() for item in plan.left_out],
        "unreadable": [item.to_dict() for item in plan.unreadable],
    }
