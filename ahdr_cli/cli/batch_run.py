"""The sets of a plan are merged, counted, and reported on the terminal."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ahdr_cli.cli.console import note, print_json, progress_bar, warn
from ahdr_cli.errors import BatchError, counted

if TYPE_CHECKING:
    from ahdr_cli.batch import BatchOptions, Plan, PlannedSet, SetResult, Shard

__all__ = ["execute"]


def execute(
    plan: Plan,
    output: Path,
    options: BatchOptions,
    share: Shard,
    *,
    cluster: str | None,
    failed_list: Path | None,
    started: float,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Merge the sets of a plan, write the report, and say what became of them.

    Raises:
        BatchError: a set failed, or a file could not be read.
    """
    from ahdr_cli.batch import write_report
    from ahdr_cli.batch.failed_list import write_failed_list

    results: list[SetResult] = []
    try:
        _run(
            plan.sets,
            output,
            options,
            share,
            cluster,
            results,
            quiet=quiet or as_json,
            verbose=verbose and not as_json,
        )
    finally:
        # Also after Ctrl-C: what has been done so far is worth a report. A run that could not
        # even begin must not replace that of an earlier one.
        seconds = time.perf_counter() - started
        if results or (output.is_dir() and not plan.sets):
            paths = write_report(
                output, plan, results, options=options, seconds=seconds, shard=share
            )
    order = {planned.output: index for index, planned in enumerate(plan.sets)}
    results.sort(key=lambda result: order[result.planned.output])
    failures = [result for result in results if result.status == "failed"]
    if failed_list is not None:
        write_failed_list(failed_list, failures, overwrite=options.overwrite)
    if as_json:
        print_json({"report": str(paths[0]), **json.loads(paths[0].read_text(encoding="utf-8"))})
    elif not quiet:
        _summarise(plan, results, seconds, paths[1])
    _complain(plan, failures, paths[1], left_out=verbose and not as_json)


def _run(
    sets: Sequence[PlannedSet],
    output: Path,
    options: BatchOptions,
    share: Shard,
    cluster: str | None,
    results: list[SetResult],
    *,
    quiet: bool,
    verbose: bool,
) -> None:
    """Fill `results`, so that they are there even if the run is interrupted."""
    if cluster is not None:
        from ahdr_cli.batch.cluster import parse_cluster, run_on_cluster

        running = run_on_cluster(
            sets, output, address=parse_cluster(cluster), options=options, shard=share
        )
    else:
        from ahdr_cli.batch import run_sets

        running = run_sets(sets, output, options=options, shard=share)
    with _counting(len(sets), quiet=quiet) as count:
        for result in running:
            results.append(result)
            name = result.planned.output
            if result.status == "failed":
                reason = result.reason or ""
                # A reason about the result begins with its path.
                warn(reason if reason.startswith(f"{output / name}: ") else f"{name}: {reason}")
            elif result.status == "done":
                for text in result.warnings:
                    warn(f"{name}: {text}")
                if verbose:
                    frames = ", ".join(frame.path for frame in result.frames)
                    if result.highlights:
                        frames += f", highlights from {', '.join(result.highlights)},"
                    note(f"{name}: {frames} in {sum(result.seconds.values()):.1f} s")
            count(result)


@contextmanager
def _counting(total: int, *, quiet: bool) -> Iterator[Callable[[SetResult], None]]:
    """A bar with what is done, images a second, failures and the time left."""
    started, done, failed = time.perf_counter(), 0, 0
    with progress_bar("merging", total=total, quiet=quiet) as update:

        def count(result: SetResult) -> None:
            nonlocal done, failed
            done += result.status == "done"
            failed += result.status == "failed"
            rate = done / (time.perf_counter() - started)
            text = f"merging, {rate:.2f} images/s" if done else "merging"
            update(advance=1, description=f"{text}, {failed} failed" if failed else text)

        yield count


def _summarise(plan: Plan, results: Sequence[SetResult], seconds: float, page: Path) -> None:
    from ahdr_cli.batch.report import summarise

    summary = summarise(plan, results, seconds=seconds)
    parts = [f"{summary.done} merged"]
    if summary.skipped:
        parts.append(f"{summary.skipped} done before")
    if summary.failed:
        parts.append(f"{summary.failed} failed")
    if summary.left_out:
        parts.append(f"{counted(summary.left_out, 'file')} in no set")
    note(f"{', '.join(parts)} in {seconds:.1f} s; see {page}")


def _complain(plan: Plan, failures: Sequence[SetResult], page: Path, *, left_out: bool) -> None:
    """Say what is wrong, and raise if anything failed."""
    for item in plan.unreadable:
        warn(f"{item.path}: {item.reason}")
    if plan.unread:
        one, others = plan.unread[0], len(plan.unread) - 1
        more = f" (and {counted(others, 'more such file')} left out)" if others else ""
        warn(f"left out: {one.path}: {one.reason}{more}")
    if left_out:
        for item in plan.left_out:
            note(f"left out: {item.path}: {item.reason}")
    parts = []
    if failures:
        parts.append(f"{len(failures)} of {counted(len(plan.sets), 'set')} failed")
    if plan.unreadable:
        parts.append(f"{counted(len(plan.unreadable), 'file')} cannot be read")
    if parts:
        raise BatchError(" and ".join(parts), hint=f"{page} says why")
