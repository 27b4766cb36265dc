"""The report: ``report.json`` for programs and ``index.html`` for a quick look by eye."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ahdr_cli._version import __version__
from ahdr_cli.batch.options import BatchOptions
from ahdr_cli.batch.page import render_page
from ahdr_cli.batch.plan import Plan
from ahdr_cli.batch.result import SetResult
from ahdr_cli.batch.shard import Shard

__all__ = ["Summary", "summarise", "write_report"]


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
    """Count."""
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


def write_report(
    folder: Path,
    plan: Plan,
    results: Sequence[SetResult],
    *,
    options: BatchOptions,
    seconds: float,
    shard: Shard = Shard(),  # noqa: B008 # frozen
) -> tuple[Path, Path]:
    """Write both files, replacing those of an earlier run.

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
        OutputError: they cannot be written.
    """
    from ahdr_cli.io import atomic_path

    content = _content(plan, results, options=options, seconds=seconds, shard=shard)
    data = folder / f"report{shard.suffix}.json"
    page = folder / f"index{shard.suffix}.html"
    with atomic_path(data, overwrite=True) as temporary:
        text = json.dumps(content, indent=1, allow_nan=False, default=str)
        temporary.write_text(text + "\n", encoding="utf-8")
    with atomic_path(page, overwrite=True) as temporary:
        temporary.write_text(render_page(content), encoding="utf-8")
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
        "summary": {
            "done": summary.done,
            "skipped": summary.skipped,
            "failed": summary.failed,
            "waiting": summary.waiting,
            "left_out": summary.left_out,
            "unreadable": summary.unreadable,
            "seconds": round(seconds, 3),
            "images_per_second": summary.images_per_second,
        },
        "sets": [result.to_dict() for result in ordered],
        "left_out": [{"path": str(item.path), "reason": item.reason} for item in plan.left_out],
        "unreadable": [{"path": str(item.path), "reason": item.reason} for item in plan.unreadable],
    }
