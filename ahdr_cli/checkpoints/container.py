"""The bytes of a safetensors file: an 8-byte length, a JSON header, raw tensors.

The library writes its free-text metadata in an order that differs from run to run, so equal
checkpoints would differ in SHA-256. `reproducible` puts the header into one fixed order.
Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ahdr_cli.errors import CorruptWeightsError, UnknownModelError, reason_of

__all__ = ["looks_like_safetensors", "parse_metadata", "read_metadata", "reproducible"]

_LENGTH_BYTES = 8
_ALIGNMENT = 8
_METADATA = "__metadata__"
_MAX_HEADER = 16 * 2**20
"""Largest header accepted, in bytes. Ours have some 10 kB; the library's own limit is 100 MB."""


def looks_like_safetensors(path: Path) -> bool:
    """Whether the file starts like safetensors: a plausible length, then an opening brace.

    Raises:
        UnknownModelError: the file cannot be opened.
    """
    with _open(path) as file:
        start = file.read(_LENGTH_BYTES + 1)
    return (
        len(start) > _LENGTH_BYTES
        and start[_LENGTH_BYTES:] == b"{"
        and int.from_bytes(start[:_LENGTH_BYTES], "little") <= _MAX_HEADER
    )


def read_metadata(path: Path) -> dict[str, str]:
    """The free-text part of a file's header, without reading any tensor.

    Raises:
        CorruptWeightsError: the file is not safetensors, or ends within its header.
        UnknownModelError: the file cannot be opened.
    """
    with _open(path) as file:
        return parse_metadata(file, path=path)


def parse_metadata(file: BinaryIO, *, path: Path) -> dict[str, str]:
    """As :func:`read_metadata`, from an open file; `path` is named in errors."""
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if length > _MAX_HEADER:
        raise CorruptWeightsError("not a safetensors file", path=path)
    try:
        header = _parse(file.read(length))
    except ValueError as error:
        raise CorruptWeightsError("not a safetensors file, or a damaged one", path=path) from error
    metadata = header.get(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise CorruptWeightsError("safetensors metadata is not a table of strings", path=path)
    return metadata


def reproducible(serialised: bytes, *, metadata: Mapping[str, str]) -> bytes:
    """A safetensors file with `metadata` in its header, equal for equal contents.

    Args:
        serialised: what the library wrote, with no metadata or some to be replaced.
        metadata: free text by key.
    """
    end = _LENGTH_BYTES + int.from_bytes(serialised[:_LENGTH_BYTES], "little")
    tensors = _parse(serialised[_LENGTH_BYTES:end])
    tensors.pop(_METADATA, None)
    # Tensors keep the library's order, which is that of their data.
    header = {_METADATA: dict(sorted(metadata.items())), **tensors}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text + serialised[end:]


def _parse(text: bytes) -> dict[str, Any]:
    """The header as a table; ValueError if it is anything else."""
    try:
        header = json.loads(text)
    except RecursionError as error:  # a hostile file may nest thousands of brackets
        raise ValueError("header is nested too deeply") from error
    if not isinstance(header, dict):
        raise ValueError("header is not a table")
    return header


def _open(path: Path) -> BinaryIO:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            # A pipe or device could keep us waiting for ever.
            raise UnknownModelError("is not a regular file", path=path)
        return path.open("rb")
    except OSError as error:
        raise UnknownModelError(f"cannot be opened: {reason_of(error)}", path=path) from error
