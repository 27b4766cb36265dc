"""Output names from a template such as ``{folder}/{stem}_{ev}``."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import PurePosixPath

from ahdr_cli.bracket.grouping import Group
from ahdr_cli.errors import UsageError
from ahdr_cli.io.place import real_path

__all__ = ["FIELDS", "check_relative", "check_template", "output_name"]

FIELDS: Mapping[str, str] = {
    "set": "name of the set: its folder or pattern where that made it, else the first file's stem",
    "stem": "first file's name without suffix",
    "last": "last file's name without suffix",
    "folder": "name of the folder that holds the files",
    "ev": "exposures relative to the middle one, as in -2_0_+2",
    "date": "capture time of the first file, as in 20240501-123000",
    "camera": "camera model",
    "count": "number of files",
    "index": "number of the set in the plan, from 1; {index:04d} has leading zeros",
}
"""What a template may hold."""

_FORBIDDEN = frozenset('/\\:*?"<>|')
"""Characters replaced in a field's value: Windows and URLs do not allow all that Unix does."""


def check_template(template: str) -> None:
    """Find mistakes before any work.

    Raises:
        UsageError: unknown fields, bad braces, or a path that leaves the output folder.
    """
    hint = f"fields are {', '.join('{' + name + '}' for name in FIELDS)}"
    sample: dict[str, object] = dict.fromkeys(FIELDS, "x") | {"index": 1, "count": 3}
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
        unknown = [name for name in names if name not in FIELDS]
        if unknown:
            raise UsageError(f"--name knows no field {{{unknown[0]}}}", hint=hint)
        check_relative(template.format_map(sample))
    except (ValueError, TypeError) as error:
        raise UsageError(f"--name {template!r} is no template: {error}", hint=hint) from error


def output_name(template: str, group: Group, *, index: int) -> PurePosixPath:
    """The output's path below the output folder, without suffix.

    Args:
        template: as checked by :func:`check_template`.
        group: the set.
        index: number of the set in the plan, from 1.
    """
    first, last = group.shots[0], group.shots[-1]
    moment = first.metadata.captured_at or ""
    values: dict[str, object] = {
        "set": _safe(group.name),
        "stem": _safe(first.path.stem),
        "last": _safe(last.path.stem),
        "folder": _safe(real_path(first.path).parent.name),
        "ev": _ev_text(group.evs),
        "date": _safe(moment[:19].replace("-", "").replace(":", "").replace("T", "-")) or "undated",
        "camera": _safe(first.metadata.model or "unknown"),
        "count": len(group.shots),
        "index": index,
    }
    return check_relative(template.format_map(values))


def check_relative(text: str) -> PurePosixPath:
    """A path below the output folder.

    Raises:
        UsageError: it is empty, absolute, or climbs out of the folder.
    """
    path = PurePosixPath(text.replace("\\", "/"))
    if not path.name or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise UsageError(f"the output name {text!r} must be a path below the output folder")
    if any(not part.isprintable() for part in path.parts):
        raise UsageError(f"the output name {text!r} holds characters that cannot be printed")
    return path


def _ev_text(evs: tuple[float, ...]) -> str:
    if not evs:
        return "unknown"
    ordered = sorted(evs)
    middle = ordered[len(ordered) // 2]
    return "_".join("0" if abs(ev - middle) < 0.05 else f"{ev - middle:+.2g}" for ev in ordered)


def _safe(text: str) -> str:
    """A field's value as one part of a path."""
    clean = "".join("_" if c in _FORBIDDEN or not c.isprintable() else c for c in text).strip()
    return "_" if clean in {"", ".", ".."} else clean
