"""What `ahdr batch` is going to do: from its options to a plan, and the plan shown."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ahdr_cli.cli.console import note, print_json, progress, stdout
from ahdr_cli.errors import AhdrError, InputError, UsageError, counted

if TYPE_CHECKING:
    from ahdr_cli.batch import Plan, PlannedSet, Shard

__all__ = [
    "check_not_empty",
    "found_plan",
    "given_evs",
    "listed_plan",
    "read_shard",
    "result_suffix",
    "show_plan",
    "typical_pixels",
]

_USUAL_PIXELS = 12_000_000
"""Size that is assumed where no header can be read."""


def read_shard(text: str | None, *, quiet: bool) -> Shard:
    """The share of the work to do; without an option what SLURM's array variables say.

    Raises:
        UsageError: neither I/N nor sensible.
    """
    from ahdr_cli.batch.shard import Shard, parse_shard, shard_of_environment

    if text is not None:
        return parse_shard(text)
    found = shard_of_environment()
    if found is not None and not quiet:
        note(f"doing shard {found}, as SLURM's array variables say (--shard 1/1 does everything)")
    return found or Shard()


def result_suffix(text: str) -> str:
    """`exr` → `.exr`.

    Raises:
        UsageError: nothing that can be written.
    """
    from ahdr_cli.io import HDR_SUFFIXES

    suffix = "." + text.lower().lstrip(".")
    if suffix not in HDR_SUFFIXES:
        known = ", ".join(item.lstrip(".") for item in HDR_SUFFIXES)
        raise UsageError(f"--format must be one of {known}, got {text!r}")
    return suffix


def given_evs(exposures: str | None, ev: str | None) -> tuple[float, ...] | None:
    """Exposures of every set in stops, from whichever option gives them.

    Raises:
        UsageError: both do.
    """
    from ahdr_cli.bracket import parse_evs, parse_exposures

    if exposures is not None and ev is not None:
        raise UsageError("--exposures and --ev contradict each other", hint="give one of them")
    if exposures is not None:
        return tuple(exposure.ev for exposure in parse_exposures(exposures))
    return None if ev is None else tuple(exposure.ev for exposure in parse_evs(ev))


def listed_plan(manifest: Path, *, suffix: str, refused: dict[str, object]) -> Plan:
    """The sets of a manifest.

    Raises:
        UsageError: an option among `refused` is given, that would look for sets.
    """
    from ahdr_cli.batch import Plan, read_manifest

    for flag, value in refused.items():
        if value:
            raise UsageError(f"{flag} and --manifest contradict each other")
    return Plan(sets=read_manifest(manifest, suffix=suffix))


def found_plan(
    folders: Sequence[Path],
    output: Path | None,
    *,
    recursive: bool,
    count: int | None,
    pattern: str | None,
    max_gap: float,
    evs: tuple[float, ...] | None,
    name: str,
    suffix: str,
    quiet: bool,
) -> Plan:
    """The sets that are found in folders; see :class:`ahdr_cli.batch.PlanOptions`.

    Raises:
        UsageError: no folder, or an option without meaning.
    """
    from ahdr_cli.batch import PlanOptions, make_plan
    from ahdr_cli.bracket.grouping import GroupingOptions

    if not folders:
        raise UsageError("neither a folder nor a manifest is given", hint="give one or the other")
    options = PlanOptions(
        recursive=recursive,
        count=count,
        pattern=pattern,
        evs=evs,
        name=name,
        suffix=suffix,
        grouping=GroupingOptions(max_gap=max_gap),
    )
    with progress("reading headers", quiet=quiet) as on_file:
        return make_plan(folders, output, options=options, on_file=on_file)


def show_plan(plan: Plan, *, as_json: bool) -> None:
    """What `--dry-run` prints."""
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
                "left_out": [item.to_dict() for item in plan.left_out],
                "unreadable": [item.to_dict() for item in plan.unreadable],
            }
        )
        return
    from rich.table import Column, Table
    from rich.text import Text

    from ahdr_cli.cli.streams import visible

    # Names fold: three that are cut before they differ would not say what belongs together.
    names = functools.partial(Column, overflow="fold")
    table = Table(names("output"), names("EV    inputs"), "because", box=None, header_style="bold")
    for planned in plan.sets:
        evs = [f"{ev:+.1f}" for ev in planned.evs or planned.found_evs]  # none if unknown
        frames = Table.grid(Column(no_wrap=True), names(), padding=(0, 2))
        shown = (visible(str(path)) for path in planned.inputs)
        for ev, name in itertools.zip_longest(evs, shown, fillvalue=""):
            frames.add_row(ev, Text(name))
        table.add_row(
            Text(visible(planned.output.as_posix())), frames, Text(visible(planned.reason))
        )
    stdout().print(table, soft_wrap=False)
    loose = [*plan.unreadable, *plan.left_out]
    if loose:
        rest = Table(names("in no set"), "because", box=None, header_style="bold")
        for item in loose:
            rest.add_row(Text(visible(str(item.path))), Text(visible(item.reason)))
        stdout().print()
        stdout().print(rest, soft_wrap=False)
    sets, files = counted(len(plan.sets), "set"), counted(len(loose), "file")
    stdout().print(f"\n{sets}, {files} in none", markup=False)


def typical_pixels(sets: Sequence[PlannedSet]) -> int:
    """Pixels of the first frame whose header can be read: brackets of a folder are mostly alike."""
    from ahdr_cli.io import probe

    for planned in sets:
        try:
            found = probe(planned.inputs[0])
        except AhdrError:
            continue  # it will be reported when its turn comes
        return found.width * found.height
    return _USUAL_PIXELS


def check_not_empty(plan: Plan, share: Shard) -> None:
    """Refuse a plan without work.

    Raises:
        InputError: nothing was found, or nothing that belongs together.
    """
    if plan.sets or plan.unreadable or share.count > 1:
        return
    if not plan.left_out:
        raise InputError(
            "no photographs were found",
            hint="look into sub-folders with --recursive; HEIC, AVIF and the like are not read",
        )
    first = plan.left_out[0]
    raise InputError(
        f"no bracket among {counted(len(plan.left_out), 'file')}, "
        f"e.g. {first.path}: {first.reason}",
        hint="--dry-run lists the reasons; --group, --pattern or --manifest override them",
    )
