"""`ahdr batch`: whole folders in, one HDR image a bracket out."""

from __future__ import annotations

import time
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
from ahdr_cli.cli.batch_run import execute
from ahdr_cli.cli.console import guarded
from ahdr_cli.cli.model_choice import check_model, resolve_model
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
    check_talk,
    check_write_options,
    merge_options,
)
from ahdr_cli.errors import UsageError

if TYPE_CHECKING:
    from ahdr_cli.batch import Shard

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
    check_talk(quiet=quiet, verbose=verbose)
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
    check_model(model)
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
    execute(
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
