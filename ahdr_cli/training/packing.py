"""`pack_sources`: folders of radiance maps and photographs become a few compact shards.

They open faster than the files, need no image library, and are small enough to be carried to a
machine on loan.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from ahdr_cli.errors import OutputExistsError, UsageError
from ahdr_cli.io import atomic_path, read_frame, read_hdr
from ahdr_cli.io.atomic import TEMPORARY_PREFIX
from ahdr_cli.io.place import make_folder
from ahdr_cli.training.scene_codec import encode_integers, from_log256, to_log256
from ahdr_cli.training.scene_files import (
    LARGEST_SIDE,
    find_images,
    normalised,
    scaled_down,
)
from ahdr_cli.training.shards import PackedScene, shard_name, write_shard
from ahdr_cli.training.sources import Source, parse_source

__all__ = ["SHARD_BYTES", "PackReport", "pack_sources"]

SHARD_BYTES = 60 << 20
"""Largest shard; some services take files of up to 64 MiB."""

_KINDS = ("hdr", "photo")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackReport:
    """What was packed.

    Attributes:
        shards: the files.
        scenes: how many.
        pixels: of all scenes together.
        bytes: of all shards together.
        error_stops: root mean square error of the radiance maps' rounding, in stops.
    """

    shards: tuple[Path, ...]
    scenes: int
    pixels: int
    bytes: int
    error_stops: float


def pack_sources(
    sources: Sequence[str],
    destination: str | Path,
    *,
    largest_side: int = LARGEST_SIDE,
    shard_bytes: int = SHARD_BYTES,
    overwrite: bool = False,
    on_scene: Callable[[int, int], None] | None = None,
) -> PackReport:
    """Pack ``hdr:`` and ``photo:`` sources.

    Weights are kept: ``packed:`` draws from its parts in their proportion.

    Args:
        sources: ``KIND:PATH[=WEIGHT]`` each.
        destination: folder for the shards; made if need be.
        largest_side: scale larger images down to this, in pixels.
        shard_bytes: begin another shard rather than exceed this size; a scene is never split.
        overwrite: replace the shards in `destination`.
        on_scene: told (done, total) after each scene.

    Raises:
        UsageError: other kinds of sources.
        InputError: a source cannot be read.
        OutputExistsError: there are shards in `destination`.
        OutputError: it cannot be written.
    """
    parsed = [parse_source(text) for text in sources]
    for text, source in zip(sources, parsed, strict=True):
        if source.kind not in _KINDS:
            raise UsageError(f"{text!r} cannot be packed", hint="give hdr:DIR or photo:DIR")
    if not parsed:
        raise UsageError("nothing to pack", hint="give hdr:DIR or photo:DIR")
    files = [
        (part, path)
        for part, source in enumerate(parsed)
        for path in find_images(source.path, kind=source.kind)
    ]
    folder = Path(destination)
    stale = _prepare(folder, overwrite=overwrite)
    squares, values, pixels = 0.0, 0, 0
    with _Writer(folder, parts=[source.weight for source in parsed], limit=shard_bytes) as written:
        for done, (part, path) in enumerate(files, start=1):
            codes, encoding, error = _encode(parsed[part], path, largest_side)
            height, width = codes.shape[:2]
            name = path.relative_to(parsed[part].path).with_suffix("").as_posix()
            written.add(
                PackedScene(name=name, encoding=encoding, height=height, width=width, part=part),
                encode_integers(codes),
            )
            pixels += height * width
            if error is not None:
                squares, values = squares + error * codes.size, values + codes.size
            if on_scene is not None:
                on_scene(done, len(files))
        shards = written.finish()
    for path in stale - set(shards):
        path.unlink()
    return PackReport(
        shards=tuple(shards),
        scenes=len(files),
        pixels=pixels,
        bytes=sum(path.stat().st_size for path in shards),
        error_stops=float(np.sqrt(squares / max(values, 1))),
    )


def _encode(source: Source, path: Path, largest_side: int) -> tuple[np.ndarray, str, float | None]:
    """Integers, their encoding, and the mean squared error in stops² (None: not measured)."""
    if source.kind == "photo":
        pixels = scaled_down(read_frame(path).pixels, largest_side)
        return np.rint(pixels * 255).astype(np.int32), "display8", None
    radiance = normalised(scaled_down(read_hdr(path).pixels, largest_side), path=path)
    codes = to_log256(radiance)
    stops = np.log2(from_log256(codes) / radiance)
    return codes, "log256", float(np.mean(np.square(stops, dtype=np.float64)))


def _prepare(folder: Path, *, overwrite: bool) -> set[Path]:
    """Make the folder; returns the shards that are in it."""
    make_folder(folder)
    stale = set(folder.glob("shard-*.safetensors"))
    if stale and not overwrite:
        raise OutputExistsError(
            f"holds {len(stale)} shards already", path=folder, hint="pass --overwrite"
        )
    return stale


class _Writer:
    """Collects scenes and writes a shard whenever one is full, all of them in place at the end."""

    def __init__(self, folder: Path, *, parts: Sequence[float], limit: int) -> None:
        self._folder = folder
        self._made = secrets.token_hex(8)
        self._unfinished = folder / f"{TEMPORARY_PREFIX}{self._made}"
        self._parts = parts
        self._limit = limit
        self._pending: list[tuple[PackedScene, bytes]] = []
        self._bytes = 0
        self._shards: list[Path] = []

    def __enter__(self) -> Self:
        self._unfinished.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._unfinished, ignore_errors=True)

    def add(self, scene: PackedScene, blob: bytes) -> None:
        if self._pending and self._bytes + len(blob) > self._limit:
            self._write(last=False)
        self._pending.append((scene, blob))
        self._bytes += len(blob)

    def finish(self) -> list[Path]:
        self._write(last=True)
        places = [self._folder / shard.name for shard in self._shards]
        for shard, place in zip(self._shards, places, strict=True):
            shard.replace(place)
        return places

    def _write(self, *, last: bool) -> None:
        number = len(self._shards)
        path = self._unfinished / shard_name(number)
        with atomic_path(path, overwrite=False) as temporary:
            write_shard(
                temporary,
                self._pending,
                number=number,
                last=last,
                parts=self._parts,
                made=self._made,
            )
        self._shards.append(path)
        self._pending, self._bytes = [], 0
