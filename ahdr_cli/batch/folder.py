"""`merge_folder`: a whole folder in one call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ahdr_cli.batch.options import BatchOptions
from ahdr_cli.batch.pipeline import run_sets
from ahdr_cli.batch.plan import PlanOptions, make_plan
from ahdr_cli.batch.result import SetResult

__all__ = ["merge_folder"]


def merge_folder(
    folder: str | Path,
    output: str | Path,
    *,
    plan: PlanOptions | None = None,
    options: BatchOptions | None = None,
) -> Iterator[SetResult]:
    """Find the brackets in a folder and merge them, yielding each result when it is written.

    ::

        for result in ahdr_cli.merge_folder("card", "merged"):
            print(result.status, result.output, result.reason or "")

    A set that fails is yielded with its reason; the others go on. What an earlier call has
    finished is skipped.

    Args:
        folder: where the photographs are.
        output: folder of the results; made if it does not exist.
        plan: how files are put together and results are named.
        options: model, device, output format and the like.

    Yields:
        One result a set.

    Raises:
        InputError: the folder does not exist.
        UsageError: two sets would have the same output, a result would replace a photograph, or
            another process works there.
        ModelError, DeviceError: the model cannot be loaded.
        OutputError: the output folder cannot be used.
    """
    sets = make_plan([Path(folder)], Path(output), options=plan).sets
    yield from run_sets(sets, Path(output), options=options)
