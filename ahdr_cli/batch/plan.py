"""`Plan`: which files make which result, decided before any work and shown by ``--dry-run``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from ahdr_cli.batch.gather import find_photographs, of_unread_kind, read_shots
from ahdr_cli.batch.naming import check_template, output_name
from ahdr_cli.bracket.exposures import read_ev_file
from ahdr_cli.bracket.grouping import (
    Group,
    Grouping,
    GroupingOptions,
    LeftOut,
    Shot,
    group_by_count,
    group_by_pattern,
    group_shots,
)
from ahdr_cli.bracket.shots import all_left_out
from ahdr_cli.errors import AhdrError, ExposureError, UsageError, counted
from ahdr_cli.io.kalantari import EXPOSURES
from ahdr_cli.io.place import real_path
from ahdr_cli.natural_order import natural_key

__all__ = [
    "Plan",
    "PlanOptions",
    "PlannedSet",
    "check_outputs_differ",
    "make_plan",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """How folders become sets.

    Attributes:
        recursive: look into sub-folders.
        count: every so many files in a row are a set, instead of grouping by exposures.
        pattern: files that agree in ``{set}`` are a set, instead of grouping by exposures.
        evs: exposures in EV, one for each file of every set, instead of what the files say.
        name: template of output names.
        suffix: of the results, with the dot.
        grouping: limits of grouping by exposures.
    """

    recursive: bool = False
    count: int | None = None
    pattern: str | None = None
    evs: tuple[float, ...] | None = None
    name: str = "{set}"
    suffix: str = ".exr"
    grouping: GroupingOptions = field(default_factory=GroupingOptions)

    def __post_init__(self) -> None:
        check_template(self.name)
        if self.count is not None and self.pattern is not None:
            raise UsageError("--group and --pattern contradict each other")
        if self.evs is None:
            return
        found = counted(len(self.evs), "exposure")
        hint = "give one for each file of a group, in the order taken"
        if self.pattern is None and self.count not in (None, len(self.evs)):
            raise ExposureError(f"{found} for groups of {self.count} files", hint=hint)
        if len(self.evs) < 3:
            raise ExposureError(f"{found}, a bracket has 3 or more", hint=hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSet:
    """One bracket to be merged.

    Attributes:
        inputs: three or more files.
        output: of the result, below the output folder, with suffix.
        evs: exposures in EV given by the user, one a file; None to read them from the files.
        reason: why these files belong together.
        found_evs: what the headers say, relative to the shortest; empty if unknown. To be
            shown; the merge itself reads the files again.
    """

    inputs: tuple[Path, ...]
    output: PurePosixPath
    evs: tuple[float, ...] | None = None
    reason: str = ""
    found_evs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that was found.

    Attributes:
        sets: what will be merged.
        left_out: files in no set, and why.
        unreadable: files that look like photographs and are damaged.
        unread: those of `left_out` that are photographs of a kind that is not read.
    """

    sets: tuple[PlannedSet, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    unreadable: tuple[LeftOut, ...] = ()
    unread: tuple[LeftOut, ...] = ()


def make_plan(
    folders: Sequence[Path],
    output: Path | None,
    *,
    options: PlanOptions | None = None,
    on_file: Callable[[int, int], None] | None = None,
) -> Plan:
    """Find the brackets in folders.

    Results keep the tree below the folders; with several folders each has its own.

    Args:
        folders: where the photographs are.
        output: folder of the results, which is not searched; None if it is not known yet.
        options: how to group and name.
        on_file: called with (done, total) while headers are read.

    Raises:
        InputError: a folder does not exist.
        UsageError: two sets would have the same output.
    """
    options = options or PlanOptions()
    paths = find_photographs(folders, recursive=options.recursive, without=output)
    shots, others, unreadable = read_shots(paths, on_file=on_file)
    grouping = _group(shots, options)

    roots = _roots(folders)
    crowds = Counter(shot.path.parent for shot in shots)
    sets = []
    for index, found in enumerate(grouping.groups, start=1):
        group, place = _placed(found, roots, crowds)
        name = output_name(options.name, group, index=index)
        sets.append(
            PlannedSet(
                inputs=tuple(shot.path for shot in group.shots),
                output=PurePosixPath(place / f"{name}{options.suffix}"),
                evs=options.evs if options.evs is not None else _given_evs(group),
                reason=group.reason,
                found_evs=group.evs,
            )
        )
    check_outputs_differ(sets)
    return Plan(
        sets=tuple(sets),
        left_out=tuple(
            sorted([*grouping.left_out, *others], key=lambda item: natural_key(item.path))
        ),
        unreadable=tuple(unreadable),
        unread=of_unread_kind(others, shots),
    )


def check_outputs_differ(sets: Sequence[PlannedSet]) -> None:
    """Two sets must not write the same file.

    Raises:
        UsageError: they would.
    """
    taken: dict[str, PlannedSet] = {}
    for planned in sets:
        # Some file systems take a.exr and A.exr for one file.
        other = taken.setdefault(str(planned.output).casefold(), planned)
        if other is not planned:
            raise UsageError(
                f"{planned.inputs[0]} and {other.inputs[0]} would both become {planned.output}",
                hint="tell them apart with --name, e.g. '{folder}_{stem}' or '{stem}_{index}'",
            )


# --- grouping by the rule that was asked for -------------------------------------------------


def _group(shots: Sequence[Shot], options: PlanOptions) -> Grouping:
    if options.pattern is not None:
        return _with_right_count(group_by_pattern(shots, options.pattern), options)
    count = options.count
    if count is None and options.evs is not None:
        count = len(options.evs)
    if count is not None:
        return group_by_count(shots, count)
    by_folder: dict[Path, list[Shot]] = {}
    for shot in shots:
        by_folder.setdefault(shot.path.parent, []).append(shot)
    listed = {folder: own for folder, own in by_folder.items() if _lists_exposures(folder)}
    rest = [shot for shot in shots if shot.path.parent not in listed]
    found = group_shots(rest, options=options.grouping)
    groups, left_out = list(found.groups), list(found.left_out)
    for folder, own in listed.items():
        outcome = _listed_group(folder, own)
        if isinstance(outcome, Group):
            groups.append(outcome)
        else:
            left_out += outcome
    return Grouping.sorted_by_path(groups, left_out)


def _with_right_count(grouping: Grouping, options: PlanOptions) -> Grouping:
    """With exposures given, a set of another number of files cannot be merged."""
    if options.evs is None:
        return grouping
    count = len(options.evs)
    kept, left_out = [], list(grouping.left_out)
    for group in grouping.groups:
        if len(group.shots) == count:
            kept.append(group)
            continue
        reason = f"set {group.name!r} has {len(group.shots)} files for the {count} exposures given"
        left_out += all_left_out(group.shots, reason)
    return Grouping(groups=tuple(kept), left_out=tuple(left_out))


def _lists_exposures(folder: Path) -> bool:
    return (folder / EXPOSURES).is_file()


def _listed_group(folder: Path, shots: Sequence[Shot]) -> Group | list[LeftOut]:
    """A folder with an exposure file is one set: its files in the order of their names."""
    ordered = sorted(shots, key=lambda shot: natural_key(shot.path))
    try:
        evs = [exposure.ev for exposure in read_ev_file(folder / EXPOSURES)]
    except AhdrError as error:
        return all_left_out(ordered, f"{EXPOSURES}: {error.message}")
    listed = f"{EXPOSURES} lists {len(evs)} exposures"
    if len(evs) != len(ordered):
        return all_left_out(ordered, f"{listed} for {len(ordered)} pictures")
    if len(evs) < 3:
        return all_left_out(ordered, f"{listed}, a bracket has 3 or more")
    return Group(
        shots=tuple(ordered),
        rule="exposure-file",
        reason=f"{len(ordered)} pictures with {EXPOSURES}",
        name=real_path(folder).name,
        evs=tuple(ev - min(evs) for ev in evs),
    )


def _given_evs(group: Group) -> tuple[float, ...] | None:
    if group.rule != "exposure-file":
        return None
    return tuple(exposure.ev for exposure in read_ev_file(group.shots[0].path.parent / EXPOSURES))


# --- where results go ------------------------------------------------------------------------


def _roots(folders: Sequence[Path]) -> dict[Path, PurePosixPath]:
    """Folder searched -> folder of its results, below the output folder."""
    tops = list(dict.fromkeys(folder if folder.is_dir() else folder.parent for folder in folders))
    if len(tops) == 1:
        return {tops[0]: PurePosixPath()}
    return {top: PurePosixPath(real_path(top).name or "root") for top in tops}


def _placed(
    group: Group, roots: dict[Path, PurePosixPath], crowds: Mapping[Path, int]
) -> tuple[Group, PurePosixPath]:
    """The folder of a result: as that of its files.

    A set that is all of a folder bears the folder's name and takes its place.
    """
    folder = group.shots[0].path.parent
    # The innermost root, where one lies within the other.
    inside = [top for top in roots if folder == top or top in folder.parents]
    top = max(inside, key=lambda path: len(path.parts))
    place = roots[top] / PurePosixPath(folder.relative_to(top).as_posix())
    alone = group.rule == "exposures" and crowds[folder] == len(group.shots)
    if folder != top and (alone or group.rule in {"folder", "exposure-file"}):
        return replace(group, name=folder.name), place.parent
    return group, place
