"""Folders -> photographs, with what their headers say. Nothing is decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ahdr_cli.batch.record import PREVIEW, preview_path, read_record
from ahdr_cli.batch.thumbnail import THUMBNAIL_FOLDER
from ahdr_cli.bracket.grouping import LeftOut, Shot
from ahdr_cli.errors import AhdrError, InputError, reason_of
from ahdr_cli.io.float_tiff import is_float_tiff
from ahdr_cli.io.place import real_path
from ahdr_cli.io.sniff import FileKind, sniff
from ahdr_cli.io.software import is_ours
from ahdr_cli.natural_order import natural_key

__all__ = [
    "PHOTOGRAPH_SUFFIXES",
    "UNREAD_SUFFIXES",
    "find_photographs",
    "of_unread_kind",
    "read_shots",
]

# fmt: off
PHOTOGRAPH_SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff",
    # RAW, by maker
    ".3fr", ".arw", ".cr2", ".cr3", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".k25", ".kdc",
    ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".sr2",
    ".srf", ".srw", ".x3f",
))
# fmt: on
"""Suffixes of the photographs in a folder."""

UNREAD_SUFFIXES = frozenset((".heic", ".heif", ".hif", ".avif", ".jxl", ".webp"))
"""Suffixes of photographs that cameras and phones make and ahdr does not read. They are looked at,
so that their owner hears of them, and those that are JPEG under such a name are read."""

_LOOKED_AT = PHOTOGRAPH_SUFFIXES | UNREAD_SUFFIXES

_HDR = "is an HDR image, not a photograph"
_OURS = "is a picture that ahdr made, not a photograph"
_NAMED = "is named as the preview of the HDR image beside it"
_OTHERS = (_HDR, _OURS, _NAMED)

_READERS = 8
"""Headers are read at the same time: the disk or network waits, not the processor."""


def find_photographs(
    folders: Iterable[Path], *, recursive: bool = False, without: Path | None = None
) -> tuple[Path, ...]:
    """Photographs in folders, by suffix, those of kinds that are not read among them.

    Passed over are hidden files and folders, and the pictures that ``ahdr batch`` has made of its
    own results, which would be merged as brackets: previews beside a result, and thumbnails.

    Args:
        folders: where to look; a file stands for itself.
        recursive: look into sub-folders, too. Links to folders are not followed.
        without: a folder to keep out of, that of the results.

    Raises:
        InputError: a folder does not exist or may not be read.
    """
    found: dict[Path, None] = {}
    barred = None if without is None else real_path(without)
    for folder in folders:
        try:
            is_file, is_folder = folder.is_file(), folder.is_dir()
        except OSError as error:  # the folder that it is in may not be entered
            raise InputError(f"cannot be read: {reason_of(error)}", path=folder) from error
        if is_file:
            found[folder] = None
        elif not is_folder:
            raise InputError("no such folder", path=folder)
        else:
            found |= dict.fromkeys(_walk(folder, recursive=recursive, barred=barred))
    # The same file by two ways, as with `ahdr batch a a/b -r`, is one photograph.
    unique = {real_path(path): path for path in reversed(found)}
    return tuple(sorted(unique.values(), key=natural_key))


def _walk(folder: Path, *, recursive: bool, barred: Path | None) -> Iterator[Path]:
    try:
        # A folder that may be listed need not be one that may be entered.
        entries = [
            (entry, entry.is_dir())
            for entry in sorted(folder.iterdir())
            if not entry.name.startswith(".")
        ]
    except OSError as error:
        raise InputError(f"cannot be listed: {reason_of(error)}", path=folder) from error
    for entry, is_folder in entries:
        if is_folder:
            looked_into = recursive and entry.name != THUMBNAIL_FOLDER and not entry.is_symlink()
            if looked_into and real_path(entry) != barred:
                yield from _walk(entry, recursive=True, barred=barred)
        elif entry.suffix.lower() in _LOOKED_AT and not _is_preview(entry):
            yield entry


def _is_preview(path: Path) -> bool:
    """Whether a picture is the preview of a result that lies beside it with its record."""
    from ahdr_cli.io import HDR_SUFFIXES

    stem = path.stem.removesuffix(f"_{PREVIEW}")
    results = (path.with_name(stem + suffix) for suffix in HDR_SUFFIXES)
    return any(
        path == preview_path(result) and result.is_file() and read_record(result) is not None
        for result in results
    )


def _is_named_as_preview(path: Path) -> bool:
    """Whether a picture lies beside an HDR image of whose preview it has the name.

    A photograph in TIFF is no HDR image: ``arch.tif`` may be a shot of its own beside
    ``arch_preview.jpg``.
    """
    from ahdr_cli.io import HDR_SUFFIXES

    if not path.stem.endswith(f"_{PREVIEW}"):
        return False
    stem = path.stem.removesuffix(f"_{PREVIEW}")
    results = (path.with_name(stem + suffix) for suffix in HDR_SUFFIXES)
    return any(result.is_file() and _is_hdr(result) for result in results)


def _is_hdr(path: Path) -> bool:
    try:
        kind = sniff(path)
        return kind in (FileKind.EXR, FileKind.RADIANCE) or (
            kind is FileKind.TIFF and is_float_tiff(path)
        )
    except AhdrError:
        return False


def read_shots(
    paths: Sequence[Path], *, on_file: Callable[[int, int], None] | None = None
) -> tuple[list[Shot], list[LeftOut], list[LeftOut]]:
    """What the headers of photographs say.

    Args:
        paths: of the files.
        on_file: called with (done, total) after each.

    Returns:
        The photographs; files that are none; and files that cannot be read.
    """
    shots: list[Shot] = []
    others: list[LeftOut] = []
    unreadable: list[LeftOut] = []
    with ThreadPoolExecutor(_READERS) as pool:
        for done, found in enumerate(pool.map(_shot, paths), start=1):
            if isinstance(found, Shot):
                shots.append(found)
            else:
                (others if _is_other(found) else unreadable).append(found)
            if on_file is not None:
                on_file(done, len(paths))
    return shots, others, unreadable


def _is_other(found: LeftOut) -> bool:
    """Whether a file is whole as far as one can tell, and only of a kind that is not merged."""
    return found.path.suffix.lower() in UNREAD_SUFFIXES or found.reason in _OTHERS


def of_unread_kind(others: Sequence[LeftOut], shots: Sequence[Shot]) -> tuple[LeftOut, ...]:
    """The photographs among other files that are lost because of their kind.

    Beside a photograph of the same name, which is the same shot, none is.
    """
    taken = {(shot.path.parent, shot.path.stem.casefold()) for shot in shots}
    return tuple(
        item
        for item in others
        if item.path.suffix.lower() in UNREAD_SUFFIXES
        and (item.path.parent, item.path.stem.casefold()) not in taken
    )


def _shot(path: Path) -> Shot | LeftOut:
    from ahdr_cli.io import probe

    try:
        info = probe(path)
    except AhdrError as error:
        hint = "" if error.hint is None else f" ({error.hint})"
        return LeftOut(path=path, reason=error.message + hint)
    if info.is_hdr:
        return LeftOut(path=path, reason=_HDR)
    if is_ours(info.metadata.software):
        return LeftOut(path=path, reason=_OURS)
    if _is_named_as_preview(path):
        return LeftOut(path=path, reason=_NAMED)
    return Shot(
        path=path,
        size=(info.height, info.width),
        exposure=info.exposure,
        metadata=info.metadata,
    )
