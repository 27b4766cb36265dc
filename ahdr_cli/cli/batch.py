"""`ahdr batch`: whole folders in, one HDR image a bracket out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ahdr_cli.cli.batch_options import (
    ChromaticitiesOption,
    ClusterOption,
    DryRunOption,
    FailedListOption,
    FileFormatOption,
    Float32Option,
    FoldersArgument,
    GroupOption,
    InFlightOption,
    ManifestOption,
    MaxGapOption,
    NameOption,
    OutputOption,
    OverwriteOption,
    PatternOption,
    PreviewOption,
    RecursiveOption,
    ReferenceEvOption,
    ShardOption,
    WriteManifestOption,
)
from ahdr_cli.cli.batch_plan import (
    check_not_empty,
    found_plan,
    given_evs,
    listed_plan,
    read_shard,
    result_suffix,
    show_plan,
    typical_pixels,
)
from ahdr_cli.cli.console import guarded, note, print_json, progress_bar, warn
from ahdr_cli.cli.model_choice import resolve_model
from ahdr_cli.cli.options import (
    AlignOption,
    DeviceOption,
    EvOption,
    ExposuresOption,
    ExtendOption,
    JsonOption,
    ModelOption,
    PrecisionOption,
    QuietOption,
    ResponseOption,
    RuntimeOption,
    TileOption,
    VerboseOption,
    check_write_options,
    merge_options,
)
from ahdr_cli.errors import BatchError, UsageError

if TYPE_CHECKING:
    from ahdr_cli.batch import BatchOptions, Plan, PlannedSet, SetResult, Shard

__all__ = ["batch"]


@guarded
def batch(
    folders: FoldersArgument = None,
    output: OutputOption = None,
    recursive: RecursiveOption = False,
    group: GroupOption = None,
    pattern: PatternOption = None,
    max_gap: MaxGapOption = 5.0,
    manifest: ManifestOption = None,
    write_manifest: WriteManifestOption = None,
    dry_run: DryRunOption = False,
    exposures: ExposuresOption = None,
    ev: EvOption = None,
    name: NameOption = "{set}",
    file_format: FileFormatOption = "exr",
    float32: Float32Option = False,
    chromaticities: ChromaticitiesOption = False,
    preview: PreviewOption = False,
    reference_ev: ReferenceEvOption = None,
    overwrite: OverwriteOption = False,
    failed_list: FailedListOption = None,
    shard: ShardOption = None,
    cluster: ClusterOption = None,
    in_flight: InFlightOption = None,
    model: ModelOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    tile: TileOption = "auto",
    runtime: RuntimeOption = "auto",
    align: AlignOption = "auto",
    response: ResponseOption = "auto",
    extend: ExtendOption = "auto",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Merge all brackets of a folder, unattended.

    Brackets are found by capture time, camera, size and exposure steps. A set that fails is
    reported and the others are done; finished ones are skipped the next time.
    """
    started = time.perf_counter()
    share = read_shard(shard, quiet=quiet)

    from ahdr_cli.batch import BatchOptions
    from ahdr_cli.batch import write_manifest as write
    from ahdr_cli.batch.place import check_places
    from ahdr_cli.io import WriteOptions

    # First of all: who mistypes an option need not wait for a card to be searched, and is told by
    # a dry run, too.
    options = BatchOptions(
        model=model,
        merge=merge_options(
            device=device,
            precision=precision,
            tile=tile,
            runtime=runtime,
            align=align,
            response=response,
            extend=extend,
        ),
        write=WriteOptions(float32=float32, chromaticities=chromaticities),
        reference_ev=reference_ev,
        preview=preview,
        overwrite=overwrite,
        in_flight=in_flight,
    )
    if output is not None:
        _check_lists(
            output,
            share,
            failed_list=failed_list,
            manifests=(manifest, write_manifest),
            dry_run=dry_run,
            overwrite=overwrite,
        )
    elif not dry_run:
        raise UsageError(
            "the folder of the results is missing",
            hint="pass -o DIR, or --dry-run to see the plan only",
        )
    if manifest is not None:
        given = {"DIR": folders, "--group": group, "--pattern": pattern}
        plan = listed_plan(
            manifest,
            suffix=result_suffix(file_format),
            refused={**given, "--exposures": exposures, "--ev": ev},
        )
    else:
        plan = found_plan(
            folders or [],
            output,
            recursive=recursive,
            count=group,
            pattern=pattern,
            max_gap=max_gap,
            evs=given_evs(exposures, ev),
            name=name,
            suffix=result_suffix(file_format),
            quiet=quiet or as_json,
        )
    suffixes = {planned.output.suffix for planned in plan.sets}
    check_write_options(suffixes, float32=float32, chromaticities=chromaticities)
    if output is not None:
        check_places(plan.sets, output, preview=preview)
    if write_manifest is not None:
        write(write_manifest, plan.sets, overwrite=overwrite)
    pixels = typical_pixels(plan.sets)  # of all shares, so that all choose the same model
    plan = replace(plan, sets=share.of(plan.sets))
    if dry_run or output is None:
        show_plan(plan, as_json=as_json)
        return
    check_not_empty(plan, share)

    merge = options.merge
    options = replace(options, model=resolve_model(model, merge, pixels=pixels, quiet=quiet))
    _execute(
        plan,
        output,
        options,
        share,
        cluster=cluster,
        failed_list=failed_list,
        started=started,
        as_json=as_json,
        quiet=quiet,
        verbose=verbose,
    )


def _execute(
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


def _check_lists(
    output: Path,
    share: Shard,
    *,
    failed_list: Path | None,
    manifests: tuple[Path | None, Path | None],
    dry_run: bool,
    overwrite: bool,
) -> None:
    """Find out before the work whether the report and the list of what failed may be written.

    `manifests` are the one to be read and the one to be written.
    """
    from ahdr_cli.batch.failed_list import check_failed_list
    from ahdr_cli.batch.report import check_report, report_paths

    if not dry_run:
        check_report(output, shard=share, overwrite=overwrite)
    if failed_list is not None:
        check_failed_list(
            failed_list,
            folder=output,
            manifest=manifests[0],
            others={
                "the manifest to be written": manifests[1],
                "the report": report_paths(output, share)[0],
            },
            overwrite=overwrite,
        )


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
                warn(f"{name}: {result.reason}")
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
        parts.append(f"{summary.left_out} files in no set")
    note(f"{', '.join(parts)} in {seconds:.1f} s; see {page}")


def _complain(plan: Plan, failures: Sequence[SetResult], page: Path, *, left_out: bool) -> None:
    """Say what is wrong, and raise if anything failed."""
    for item in plan.unreadable:
        warn(f"{item.path}: {item.reason}")
    if plan.unread:
        one, count = plan.unread[0], len(plan.unread)
        more = (
            ""
            if count == 1
            else f" (and {count - 1} more such file{'' if count == 2 else 's'} left out)"
        )
        warn(f"left out: {one.path}: {one.reason}{more}")
    if left_out:
        for item in plan.left_out:
            note(f"left out: {item.path}: {item.reason}")
    parts = []
    if failures:
        count = len(plan.sets)
        parts.append(f"{len(failures)} of {count} set{'' if count == 1 else 's'} failed")
    if plan.unreadable:
        count = len(plan.unreadable)
        parts.append(f"{count} file{'' if count == 1 else 's'} cannot be read")
    if parts:
        raise BatchError(" and ".join(parts), hint=f"{page} says why")
