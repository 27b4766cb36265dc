"""Whether validation would see what training saw, by the files of their sources.

Files are compared, not pictures: two views of one room, a map and the shard that it was packed
into, or a copy are not noticed (copied shards are, by what set they say they are of).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open

from ahdr_cli.errors import AhdrError
from ahdr_cli.training.shards import find_shards
from ahdr_cli.training.sources import Source, image_scenes, parse_source

__all__ = ["overlap_warning"]


def overlap_warning(data: Sequence[str], validation: Sequence[str]) -> str | None:
    """A line for the user if some files serve both training and validation.

    Only folders and headers are read.

    Args:
        data: ``KIND:PATH[=WEIGHT]`` of the training data each.
        validation: the same of the held-out data.

    Returns:
        None if no file does, or if the sources cannot be read: opening them says why.
    """
    if not validation:
        return None
    try:
        trained, held_out = _files(data), _files(validation)
    except (AhdrError, OSError):
        return None
    shared = [path for key, path in held_out.items() if key in trained]
    if not shared:
        return None
    extent = "all" if len(shared) == len(held_out) else f"{len(shared)} of the {len(held_out)}"
    return (
        f"validation is not held out: {extent} files of --val are training data, too "
        f"(e.g. {shared[0]}), and its scores are too good; validate on other scenes"
    )


def _files(sources: Sequence[str]) -> dict[Hashable, Path]:
    """Every file or scene folder of some sources, by what tells it from others."""
    return {
        _identity(path, source): path
        for source in map(parse_source, sources)
        for path in _parts(source)
    }


def _parts(source: Source) -> Iterable[Path]:
    return find_shards(source.path) if source.kind == "packed" else image_scenes(source)


def _identity(path: Path, source: Source) -> Hashable:
    if source.kind == "packed":
        try:
            with safe_open(path, framework="np") as file:
                header = file.metadata() or {}
        except (SafetensorError, OSError):
            header = {}
        if header.get("set"):  # shards of earlier versions do not say
            return header["set"], header.get("number")
    return path.resolve()
