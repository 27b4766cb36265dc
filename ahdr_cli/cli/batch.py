"""`ahdr batch`: whole folders in, one HDR image a bracket out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ahdr_cli.cli.console import guarded, note, print_json, progress, stderr, stdout, warn
from ahdr_cli.cli.options import (
    AlignOption,
    DeviceOption,
    EvOption,
    ExposuresOption,
    JsonOption,
    ModelOption,
    PrecisionOption,
    QuietOption,
    RuntimeOption,
    TileOption,
    VerboseOption,
    parse_tile,
)
from ahdr_cli.errors import BatchError, InputError, UsageError

if TYPE_CHECKING:
    from ahdr_cli.batch import BatchOptions, Plan, PlannedSet, SetResult, Shard

__all__ = ["batch"]

_PLAN = "Which files belong together"
_OUTPUT = "Results"
_MACHINES = "Several machines"


@guarded
def batch(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DIR...", help="Folders with photographs.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder of the results."),
    ] = None,
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive", "-r", help="Look into sub-folders, too.", rich_help_panel=_PLAN
        ),
    ] = False,
    group: Annotated[
        int | None,
        typer.Option(
            "--group",
            metavar="N",
            help="Every N files in a row are a set, whatever their exposures.",
            rich_help_panel=_PLAN,
        ),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            "--pattern",
            metavar="PATTERN",
            help="Files that agree in {set} are a set, e.g. '{set}_[0-9].jpg'.",
            rich_help_panel=_PLAN,
        ),
    ] = None,
    max_gap: Annotated[
        float,
        typer.Option(
            "--max-gap",
            metavar="SECONDS",
            help="Longest pause between the frames of a bracket.",
            rich_help_panel=_PLAN,
        ),
    ] = 5.0,
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest",
            metavar="FILE",
            help="Merge the sets that a .json or .csv file lists, instead of looking for them.",
            rich_help_panel=_PLAN,
        ),
    ] = None,
    write_manifest: Annotated[
        Path | None,
        typer.Option(
            "--write-manifest",
            metavar="FILE",
            help="Write the sets that were found to a .json or .csv file.",
            rich_help_panel=_PLAN,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show what would be done and do nothing.", rich_help_panel=_PLAN
        ),
    ] = False,
    exposures: ExposuresOption = None,
    ev: EvOption = None,
    name: Annotated[
        str,
        typer.Option(
            "--name",
            metavar="TEMPLATE",
            help="Output names from {set}, {stem}, {last}, {folder}, {ev}, {date}, {camera}, "
            "{count} and {index}.",
            rich_help_panel=_OUTPUT,
        ),
    ] = "{set}",
    file_format: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help="exr, hdr or tif.", rich_help_panel=_OUTPUT
        ),
    ] = "exr",
    float32: Annotated[
        bool,
        typer.Option(
            "--float",
            help="Store 32-bit floats in .exr instead of 16-bit ones.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    chromaticities: Annotated[
        bool,
        typer.Option(
            "--chromaticities",
            help="Name the primaries in .exr by chromaticities instead of by colorInteropID.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview",
            help="Write a full-size tonemapped PNG beside each result.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    reference_ev: Annotated[
        float | None,
        typer.Option(
            "--reference-ev",
            metavar="EV",
            help="One brightness scale for all sets: 1.0 is white at this exposure, "
            "log2(t · ISO / (100 · N²)), the negative of a light meter's EV.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Do finished sets again, and replace files that ahdr batch did not write.",
        ),
    ] = False,
    failed_list: Annotated[
        Path | None,
        typer.Option(
            "--failed-list",
            metavar="FILE",
            help="Write the sets that failed as a manifest (.json or .csv), for --manifest.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard",
            metavar="I/N",
            help="Do the I-th of N shares. Default: from SLURM's array variables, else 1/1.",
            rich_help_panel=_MACHINES,
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ray[://HOST:PORT]",
            help="Spread the work over a Ray cluster.",
            rich_help_panel=_MACHINES,
        ),
    ] = None,
    in_flight: Annotated[
        int,
        typer.Option(
            "--in-flight", metavar="N", help="Sets in memory at once.", rich_help_panel=_MACHINES
        ),
    ] = 3,
    model: ModelOption = "ahdrnet",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    tile: TileOption = "auto",
    runtime: RuntimeOption = "auto",
    align: AlignOption = "auto",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Merge all brackets of a folder, unattended.

    Brackets are found by capture time, camera, size and exposure steps. A set that fails is
    reported and the others are done; finished ones are skipped the next time.
    """
    started = time.perf_counter()
    if output is None:
        raise UsageError("the folder of the results is missing", hint="pass -o DIR")
    share = _shard(shard, quiet=quiet)

    from ahdr_cli.batch import BatchOptions, write_report
    from ahdr_cli.batch import write_manifest as write

    if manifest is not None:
        given = {"DIR": folders, "--group": group, "--pattern": pattern}
        plan = _listed_plan(
            manifest,
            suffix=_suffix(file_format),
            refused={**given, "--exposures": exposures, "--ev": ev},
        )
    else:
        settings = {"recursive": recursive, "count": group, "pattern": pattern, "name": name}
        plan = _found_plan(
            folders or [],
            output,
            {**settings, "evs": _evs(exposures, ev), "suffix": _suffix(file_format)},
            max_gap=max_gap,
            quiet=quiet or as_json,
        )
    if write_manifest is not None:
        write(write_manifest, plan.sets, overwrite=overwrite)
    plan = replace(plan, sets=share.of(plan.sets))
    if dry_run:
        _show_plan(plan, as_json=as_json)
        return
    _check_not_empty(plan, share)

    from ahdr_cli.io import WriteOptions
    from ahdr_cli.merging import MergeOptions

    options = BatchOptions(
        model=model,
        merge=MergeOptions(
            device=device,
            precision=precision,
            tile=parse_tile(tile) or "auto",
            runtime=runtime,
            align=align,
        ),
        write=WriteOptions(float32=float32, chromaticities=chromaticities),
        reference_ev=reference_ev,
        preview=preview,
        overwrite=overwrite,
        in_flight=in_flight,
    )
    results: list[SetResult] = []
    try:
        _run(plan.sets, output, options, share, cluster, results, quiet=quiet or as_json)
    finally:
        # Also after Ctrl-C: what has been done so far is worth a report. A run that could not
        # even begin must not replace that of an earlier one.
        seconds = time.perf_counter() - started
        if results or (output.is_dir() and not plan.sets):
            paths = write_report(
                output, plan, results, options=options, seconds=seconds, shard=share
            )
    places = {planned.output: place for place, planned in enumerate(plan.sets)}
    results.sort(key=lambda result: places[result.planned.output])
    failures = [result for result in results if result.status == "failed"]
    if failed_list is not None:
        write(failed_list, [_with_reason(result) for result in failures], overwrite=True)
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
            if result.status == "failed":
                warn(f"{result.planned.output}: {result.reason}")
            count(result)


@contextmanager
def _counting(total: int, *, quiet: bool) -> Iterator[Any]:
    """A bar with what is done, images a second, failures and the time left."""
    if quiet or not stderr().is_terminal:
        yield lambda result: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    started, done, failed = time.perf_counter(), 0, 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=stderr(), transient=True) as bar:
        task = bar.add_task("merging", total=total)

        def count(result: SetResult) -> None:
            nonlocal done, failed
            done += result.status == "done"
            failed += result.status == "failed"
            rate = done / (time.perf_counter() - started)
            text = f"merging, {rate:.2f} images/s" if done else "merging"
            bar.update(task, advance=1, description=f"{text}, {failed} failed" if failed else text)

        yield count


def _shard(text: str | None, *, quiet: bool) -> Shard:
    from ahdr_cli.batch.shard import Shard, parse_shard, shard_of_environment

    if text is not None:
        return parse_shard(text)
    found = shard_of_environment()
    if found is not None and not quiet:
        note(f"doing shard {found}, as SLURM's array variables say (--shard 1/1 does everything)")
    return found or Shard()


def _suffix(text: str) -> str:
    from ahdr_cli.io import HDR_SUFFIXES

    suffix = "." + text.lower().lstrip(".")
    if suffix not in HDR_SUFFIXES:
        known = ", ".join(item.lstrip(".") for item in HDR_SUFFIXES)
        raise UsageError(f"--format must be one of {known}, got {text!r}")
    return suffix


def _evs(exposures: str | None, ev: str | None) -> tuple[float, ...] | None:
    from ahdr_cli.bracket import parse_evs, parse_exposures

    if exposures is not None and ev is not None:
        raise UsageError("--exposures and --ev contradict each other", hint="give one of them")
    if exposures is not None:
        return tuple(exposure.ev for exposure in parse_exposures(exposures))
    return None if ev is None else tuple(exposure.ev for exposure in parse_evs(ev))


def _listed_plan(manifest: Path, *, suffix: str, refused: dict[str, object]) -> Plan:
    from ahdr_cli.batch import Plan, read_manifest

    for flag, value in refused.items():
        if value:
            raise UsageError(f"{flag} and --manifest contradict each other")
    return Plan(sets=read_manifest(manifest, suffix=suffix))


def _found_plan(
    folders: Sequence[Path],
    output: Path,
    settings: dict[str, Any],
    *,
    max_gap: float,
    quiet: bool,
) -> Plan:
    from ahdr_cli.batch import PlanOptions, make_plan
    from ahdr_cli.bracket.grouping import GroupingOptions

    if not folders:
        raise UsageError("neither a folder nor a manifest is given", hint="give one or the other")
    options = PlanOptions(**settings, grouping=GroupingOptions(max_gap=max_gap))
    with progress("reading headers", quiet=quiet) as on_file:
        return make_plan(folders, output, options=options, on_file=on_file)


def _show_plan(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "sets": [
                    {
                        "output": planned.output.as_posix(),
                        "inputs": [str(path) for path in planned.inputs],
                        "evs": planned.evs or planned.found_evs,
                        "reason": planned.reason,
                    }
                    for planned in plan.sets
                ],
                **{
                    key: [{"path": str(item.path), "reason": item.reason} for item in items]
                    for key, items in (
                        ("left_out", plan.left_out),
                        ("unreadable", plan.unreadable),
                    )
                },
            }
        )
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # A file or pipe has no width to keep to.
    console = stdout() if stdout().is_terminal else Console(width=240, highlight=False)
    table = Table("output", "inputs", "EV", "because", box=None, header_style="bold")
    for planned in plan.sets:
        evs = planned.evs or planned.found_evs
        table.add_row(
            Text(planned.output.as_posix()),
            Text("\n".join(str(path) for path in planned.inputs)),
            "\n".join(f"{ev:+.1f}" for ev in evs),
            Text(planned.reason),
        )
    console.print(table, soft_wrap=False)
    loose = [*plan.unreadable, *plan.left_out]
    if loose:
        rest = Table("in no set", "because", box=None, header_style="bold")
        for item in loose:
            rest.add_row(Text(str(item.path)), Text(item.reason))
        console.print()
        console.print(rest, soft_wrap=False)
    console.print(f"\n{len(plan.sets)} sets, {len(loose)} files in none", markup=False)


def _check_not_empty(plan: Plan, share: Shard) -> None:
    if plan.sets or plan.unreadable or share.count > 1:
        return
    if not plan.left_out:
        raise InputError("no photographs were found", hint="look into sub-folders with --recursive")
    first = plan.left_out[0]
    raise InputError(
        f"no bracket among {len(plan.left_out)} files, e.g. {first.path}: {first.reason}",
        hint="--dry-run lists the reasons; --group, --pattern or --manifest override them",
    )


def _with_reason(result: SetResult) -> PlannedSet:
    return replace(result.planned, reason=result.reason or "")


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
    if left_out:
        for item in plan.left_out:
            note(f"left out: {item.path}: {item.reason}")
    parts = []
    if failures:
        parts.append(f"{len(failures)} of {len(plan.sets)} sets failed")
    if plan.unreadable:
        count = len(plan.unreadable)
        parts.append(f"{count} file{'' if count == 1 else 's'} cannot be read")
    if parts:
        raise BatchError(" and ".join(parts), hint=f"{page} says why")
