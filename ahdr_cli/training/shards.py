"""Shards: scenes in few compact files, readable with torch, numpy and safetensors alone.

A shard is a safetensors file with one uint8 tensor for each scene
(:mod:`ahdr_cli.training.scene_codec`), and in its header

* ``format``: ``ahdr-shard-1``;
* ``number``: from 0; ``last``: ``true`` in the last shard of a set, so that a set with
  missing files is noticed;
* ``scenes``: a JSON list with name, encoding, height, width and part of each scene; the tensors are
  called ``0``, ``1`` …;
* ``parts``: a JSON list of the sources' weights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ahdr_cli.errors import InputError
from ahdr_cli.images import FloatArray
from ahdr_cli.training.photo import lift_photo
from ahdr_cli.training.scene_codec import LARGEST_PIXELS, decode_integers, from_log256
from ahdr_cli.training.scene_files import normalised
from ahdr_cli.training.scenes import Scene

__all__ = ["ENCODINGS", "PackedScene", "find_shards", "read_shards", "shard_name", "write_shard"]

ENCODINGS = ("log256", "display8")

_FORMAT = "ahdr-shard-1"
_HINT = "make shards with `ahdr data pack`"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedScene:
    """What a shard's header says of one scene.

    Attributes:
        name: of the file it came from, without suffix.
        encoding: one of `ENCODINGS`.
        height, width: in pixels.
        part: number of the source that it belongs to.
    """

    name: str
    encoding: str
    height: int
    width: int
    part: int


def shard_name(number: int) -> str:
    """The file name of shard `number`."""
    return f"shard-{number:03d}.safetensors"


def find_shards(path: str | Path) -> tuple[Path, ...]:
    """The shards in a folder, or the one that `path` is.

    Raises:
        InputError: neither.
    """
    path = Path(path)
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise InputError("no such folder or shard", path=path, hint=_HINT)
    found = tuple(sorted(path.glob("shard-*.safetensors")))
    if not found:
        raise InputError("holds no shards", path=path, hint=_HINT)
    return found


def write_shard(
    path: Path,
    scenes: Sequence[tuple[PackedScene, bytes]],
    *,
    number: int,
    last: bool,
    parts: Sequence[float],
    made: str,
) -> None:
    """Write one shard to `path`; shards of one set are `made` together, by which they know it."""
    header = {
        "format": _FORMAT,
        "set": made,
        "number": str(number),
        "last": "true" if last else "false",
        "scenes": json.dumps([asdict(scene) for scene, _ in scenes]),
        "parts": json.dumps(list(parts)),
    }
    tensors = {str(i): np.frombuffer(blob, np.uint8) for i, (_, blob) in enumerate(scenes)}
    path.write_bytes(save(tensors, metadata=header))


def read_shards(path: str | Path) -> tuple[list[Scene], list[float]]:
    """All scenes of a set of shards, or of a single shard.

    Returns:
        The scenes, whose `source` is the number of their part, and the weights of the parts.

    Raises:
        InputError: there are no shards, one is missing, damaged or of another set.
    """
    path = Path(path)
    files = find_shards(path)
    scenes: list[Scene] = []
    sets: list[tuple[list[float], bool]] = []
    made: set[str] = set()
    for file in files:
        found, parts, number, last, of = _read_shard(file)
        made.add(of)
        if path.is_dir() and number != len(sets):
            raise InputError(f"shard {len(sets)} is missing", path=path)
        sets.append((parts, last))
        scenes += found
    if path.is_dir() and not sets[-1][1]:
        raise InputError(f"the last shard is missing, found {len(sets)}", path=path)
    parts = sets[0][0]
    if len(made) > 1 or any(other != parts for other, _ in sets):
        raise InputError("the shards come from different sets", path=path)
    # A single shard of a set may lack some of the sources.
    present = sorted({scene.source for scene in scenes})
    weights = [parts[part] for part in present]
    moved = {part: number for number, part in enumerate(present)}
    return [Scene(scene.name, scene.pixels, moved[scene.source]) for scene in scenes], weights


def _read_shard(path: Path) -> tuple[list[Scene], list[float], int, bool, str]:
    try:
        with safe_open(path, framework="np") as file:
            header = file.metadata() or {}
            if header.get("format") != _FORMAT:
                raise InputError(
                    f"is no shard of format {_FORMAT}, found {header.get('format')!r}",
                    path=path,
                    hint=_HINT,
                )
            listed = [PackedScene(**entry) for entry in json.loads(header["scenes"])]
            parts = [float(weight) for weight in json.loads(header["parts"])]
            blobs = [file.get_tensor(str(i)).tobytes() for i in range(len(listed))]
            # Decompression lets go of the interpreter's lock.
            with ThreadPoolExecutor() as pool:
                scenes = list(pool.map(partial(_decode, parts=len(parts)), listed, blobs))
            # Shards of earlier versions do not say what set they are of.
            made = header.get("set", "")
            return scenes, parts, int(header["number"]), header["last"] == "true", made
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"is a damaged shard: {reason}", path=path, hint=_HINT) from error


def _decode(scene: PackedScene, blob: bytes, *, parts: int) -> Scene:
    """One scene in half precision; ValueError if the header and the blob do not fit."""
    if not (scene.height > 0 and scene.width > 0 and scene.height * scene.width <= LARGEST_PIXELS):
        raise ValueError(f"scene {scene.name!r} declares {scene.width}x{scene.height} pixels")
    if scene.encoding not in ENCODINGS or not 0 <= scene.part < parts:
        raise ValueError(f"scene {scene.name!r} has encoding {scene.encoding!r}")
    codes = decode_integers(blob, height=scene.height, width=scene.width)
    pixels: FloatArray
    if scene.encoding == "log256":
        pixels = from_log256(codes)
    else:
        encoded = np.clip(codes, 0, 255).astype(np.float32) / np.float32(255)
        pixels = normalised(lift_photo(encoded.astype(np.float32)))
    return Scene(scene.name, pixels.astype(np.float16), scene.part)
