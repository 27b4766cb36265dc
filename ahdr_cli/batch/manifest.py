"""Manifests: the exact record of which files make which result, to be kept or edited.

JSON::

    {"ahdr_manifest": 1,
     "sets": [{"output": "arch.exr", "inputs": ["arch/1.jpg", "arch/2.jpg", "arch/3.jpg"],
               "evs": [-2, 0, 2], "reason": "free text"}]}

CSV, with a header; the columns ``evs`` and ``reason`` may be empty or missing::

    output,evs,reason,input1,input2,input3
    arch.exr,"-2,0,2",,arch/1.jpg,arch/2.jpg,arch/3.jpg

Spreadsheets write semicolons or tabs instead of commas, and a byte order mark in front: that is
read, too. Text is UTF-8 (or UTF-16, with its mark); bytes in names of files that are not UTF-8 stay
as they are, because such files exist.

Paths of inputs are relative to the manifest's own folder, outputs to the output folder. ``evs``
are exposures in stops in the order of the inputs; without them the files' own count. A list of sets
that failed has the mark ``ahdr_failed_list``: in JSON a key, in CSV an empty column.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ahdr_cli.batch.naming import check_relative
from ahdr_cli.batch.plan import PlannedSet, check_outputs_differ
from ahdr_cli.bracket.exposures import LARGEST_EV
from ahdr_cli.errors import AhdrError, InputError, UsageError
from ahdr_cli.io.place import real_path

__all__ = ["check_suffix", "is_failed_list", "read_manifest", "write_manifest"]

VERSION = 1
FAILED_MARK = "ahdr_failed_list"
_LARGEST = 256 * 2**20
"""In bytes; a set takes some 300, so this is a million sets."""

_ENCODING = 'save the manifest in UTF-8, in Excel as "CSV UTF-8"'
_LAYOUT = "see docs/batch.md, or write one with --write-manifest"


def read_manifest(path: str | Path, *, suffix: str = ".exr") -> tuple[PlannedSet, ...]:
    """The sets of a manifest, JSON or CSV by suffix.

    Args:
        path: of the manifest.
        suffix: given to outputs that have no suffix.

    Raises:
        InputError: it cannot be read, or a set in it makes no sense.
        UsageError: the suffix is unknown, or two sets have the same output.
    """
    path = Path(path)
    reader = _format(path)[0]
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError("too large for a manifest", path=path)
        text = _text_of(path)
    except (OSError, UnicodeDecodeError) as error:
        system = (getattr(error, "strerror", None) or "").lower()
        raise InputError(f"cannot be read: {system or 'not text in UTF-16'}", path=path) from error
    try:
        entries = reader(text)
    except (ValueError, csv.Error, RecursionError) as error:
        raise InputError(f"no manifest: {error}", path=path, hint=_LAYOUT) from error
    sets = []
    for number, entry in enumerate(entries, start=1):
        try:
            sets.append(_set_of(entry, folder=path.parent, suffix=suffix))
        except (ValueError, AhdrError) as error:
            reason = error.message if isinstance(error, AhdrError) else str(error)
            hint = _LAYOUT if _is_text(text) else _ENCODING
            raise InputError(f"set {number}: {reason}", path=path, hint=hint) from error
        _check_files(sets[-1], path)
    check_outputs_differ(sets)
    return tuple(sets)


def write_manifest(
    path: str | Path, sets: Sequence[PlannedSet], *, overwrite: bool = False, failed: bool = False
) -> Path:
    """Write sets so that :func:`read_manifest` gives them back; JSON or CSV by suffix.

    Args:
        path: of the manifest.
        sets: to be listed.
        overwrite: whether an existing file may be replaced.
        failed: mark it as a list of sets that failed, for :func:`is_failed_list`.

    Raises:
        UsageError: the suffix is unknown.
        OutputError: the file exists and `overwrite` is False, or cannot be written.
    """
    from ahdr_cli.io import atomic_path

    path = Path(path)
    writer = _format(path)[1]
    entries = [_entry_of(planned, folder=path.parent) for planned in sets]
    with atomic_path(path, overwrite=overwrite) as temporary:
        text = writer(entries, failed)
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape")
    return path


def check_suffix(path: Path) -> None:
    """Raises UsageError unless the suffix is that of a manifest."""
    _format(path)


def is_failed_list(path: Path) -> bool:
    """Whether a file is a list of sets that failed, as `write_manifest` has marked it."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return False
        text = _text_of(path)
        if path.suffix.lower() == ".csv":
            return FAILED_MARK in next(csv.reader(_lines(text), delimiter=_delimiter(text)), ())
        value = json.loads(text)
    except (OSError, ValueError, csv.Error, RecursionError):
        return False
    return isinstance(value, dict) and FAILED_MARK in value


def _text_of(path: Path) -> str:
    """Bytes that are not UTF-8 become what `os.fsdecode` makes of them."""
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    return data.decode("utf-8-sig", errors="surrogateescape")


def _check_files(planned: PlannedSet, path: Path) -> None:
    """Tell names in another encoding from files whose names are really made of such bytes."""
    if not all(_is_text(str(name)) or name.exists() for name in planned.inputs):
        raise InputError(
            "names files that are not there, and is not text in UTF-8", path=path, hint=_ENCODING
        )


def _is_text(text: str) -> bool:
    """Whether it can be written in UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# --- one set ---------------------------------------------------------------------------------


def _set_of(entry: Any, *, folder: Path, suffix: str) -> PlannedSet:  # noqa: ANN401 - from JSON
    if not isinstance(entry, dict):
        raise ValueError(f"expected an object, got {type(entry).__name__}")
    inputs, output, evs = entry.get("inputs"), entry.get("output"), entry.get("evs")
    if not isinstance(inputs, list) or not all(isinstance(i, str) and i for i in inputs):
        raise ValueError("inputs must be a list of file names")
    for name in inputs:
        _check_file_name(name)
    if len(inputs) < 3:
        raise ValueError(f"{len(inputs)} inputs, a bracket has 3 or more")
    if not isinstance(output, str):
        raise ValueError("output must be a file name")
    relative = check_relative(output)
    if evs is not None:
        if not isinstance(evs, list) or not all(_is_ev(ev) for ev in evs):
            raise ValueError(
                f"evs must be a list of numbers of stops, {-LARGEST_EV:g} to {LARGEST_EV:g}"
            )
        if len(evs) != len(inputs):
            raise ValueError(f"{len(evs)} evs for {len(inputs)} inputs")
    return PlannedSet(
        inputs=tuple(folder / name for name in inputs),
        output=relative if relative.suffix else PurePosixPath(f"{relative}{suffix}"),
        evs=None if evs is None else tuple(float(ev) for ev in evs),
        reason=str(entry.get("reason") or "listed in the manifest"),
    )


def _check_file_name(name: str) -> None:
    """JSON can hold text that no file can be called: the system would refuse it later."""
    try:
        possible = b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:  # half of a surrogate pair
        possible = False
    if not possible:
        raise ValueError(f"no file can be called {name!a}")


def _is_ev(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and abs(value) <= LARGEST_EV
    )


def _entry_of(planned: PlannedSet, *, folder: Path) -> dict[str, Any]:
    base = real_path(folder)
    entry: dict[str, Any] = {
        "output": planned.output.as_posix(),
        "inputs": [_relative(path, base) for path in planned.inputs],
    }
    if planned.evs is not None:
        entry["evs"] = list(planned.evs)
    if planned.reason:
        entry["reason"] = planned.reason
    return entry


def _relative(path: Path, base: Path) -> str:
    try:
        return Path(os.path.relpath(real_path(path), base)).as_posix()
    except ValueError:  # another drive, on Windows
        return real_path(path).as_posix()


# --- formats ---------------------------------------------------------------------------------


def _parse_json(text: str) -> list[Any]:
    value = json.loads(text)
    if not isinstance(value, dict) or not isinstance(value.get("sets"), list):
        raise ValueError("expected an object with a list `sets`")
    if value.get("ahdr_manifest") != VERSION:
        raise ValueError(f"ahdr_manifest is {value.get('ahdr_manifest')!r}, expected {VERSION}")
    sets: list[Any] = value["sets"]
    return sets


def _format_json(entries: Sequence[dict[str, Any]], failed: bool) -> str:
    mark = {FAILED_MARK: 1} if failed else {}
    return json.dumps({"ahdr_manifest": VERSION, **mark, "sets": entries}, indent=1) + "\n"


def _parse_csv(text: str) -> list[Any]:
    reader = csv.DictReader(_lines(text), delimiter=_delimiter(text), strict=True)
    columns = [name for name in reader.fieldnames or () if name.startswith("input")]
    if "output" not in (reader.fieldnames or ()) or len(columns) < 3:
        raise ValueError("expected a header with output, input1, input2 and input3")
    entries: list[Any] = []
    for row in reader:
        if not any(row.values()):
            continue  # spreadsheets write their empty rows as well
        if None in row:
            raise ValueError(f"line {reader.line_num} has more fields than the header")
        evs = (row.get("evs") or "").strip()
        entries.append(
            {
                "output": row["output"],
                "inputs": [row[name] for name in columns if row[name]],
                "evs": [float(ev) for ev in evs.split(",")] if evs else None,
                "reason": row.get("reason"),
            }
        )
    return entries


def _lines(text: str) -> io.StringIO:
    return io.StringIO(text, newline="")


def _delimiter(text: str) -> str:
    """What stands between the names of the header, none of which contains any of the three."""
    header = next(_lines(text), "")
    return max(",;\t", key=header.count)


def _format_csv(entries: Sequence[dict[str, Any]], failed: bool) -> str:
    most = max((len(entry["inputs"]) for entry in entries), default=3)
    columns = [f"input{i + 1}" for i in range(max(most, 3))]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    mark = [FAILED_MARK] if failed else []
    writer.writerow(["output", "evs", "reason", *mark, *columns])
    for entry in entries:
        evs = ",".join(repr(ev) for ev in entry.get("evs", ()))
        reason = entry.get("reason", "")
        writer.writerow([entry["output"], evs, reason, *("" for _ in mark), *entry["inputs"]])
    return stream.getvalue()


_Formats = tuple[Callable[[str], list[Any]], Callable[[Sequence[dict[str, Any]], bool], str]]
_FORMATS: dict[str, _Formats] = {
    ".json": (_parse_json, _format_json),
    ".csv": (_parse_csv, _format_csv),
}


def _format(path: Path) -> _Formats:
    formats = _FORMATS.get(path.suffix.lower())
    if formats is None:
        found = repr(path.suffix) if path.suffix else "without suffix"
        raise UsageError(f"a manifest is .json or .csv, not {found}", path=path)
    return formats
