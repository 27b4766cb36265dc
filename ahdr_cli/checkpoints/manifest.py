"""``MANIFEST.toml``: the models of one weights folder and the SHA-256 each must have.

::

    [[model]]
    name = "ahdrnet"
    file = "ahdrnet.safetensors"
    sha256 = "…"                     # of the whole file
    bytes = 5771212
    description = "one line"
    default = true                   # optional, at most one
    macs_per_pixel = 1446720         # optional: multiply-accumulates per output pixel
    receptive_radius = 43            # optional: how far it looks, in pixels
    spacing_ev = [1.0, 3.3]          # optional: exposure spacing covered by training, EV
    [model.scores."a test set"]      # optional: metric → value
    psnr_mu = 35.6
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ahdr_cli.bracket.spacing import TRAINED_SPACING_EV
from ahdr_cli.checkpoints.header import is_spacing
from ahdr_cli.errors import CorruptWeightsError, ModelError, reason_of

__all__ = ["MANIFEST_NAME", "VALIDATION", "ModelEntry", "read_manifest"]

MANIFEST_NAME = "MANIFEST.toml"

VALIDATION = "validation"
"""The test set by whose scores shipped models compare; see ``MODEL_CARD.md``."""

_REQUIRED = {"name", "file", "sha256", "bytes", "description"}
_OPTIONAL = {"default", "macs_per_pixel", "receptive_radius", "spacing_ev", "scores"}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.safetensors")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One registered model.

    Attributes:
        name: what ``--model`` takes.
        path: its safetensors file.
        sha256: of the whole file, 64 lower-case hexadecimal digits.
        bytes: size of the file.
        description: one line.
        default: whether it is used when no model is named.
        macs_per_pixel: multiply-accumulates per output pixel, None if it is not stated.
        receptive_radius: of the network, in pixels, None if it is not stated.
        spacing_ev: smallest and largest exposure spacing covered by training, in EV.
        scores: metric values by test set and metric, e.g. ``scores["validation"]["psnr_mu"]``.
    """

    name: str
    path: Path
    sha256: str
    bytes: int
    description: str
    default: bool = False
    macs_per_pixel: int | None = None
    receptive_radius: int | None = None
    spacing_ev: tuple[float, float] = TRAINED_SPACING_EV
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: MappingProxyType({}))


def read_manifest(path: Path) -> tuple[ModelEntry, ...]:
    """The models of a weights folder, in the manifest's order.

    The weights themselves are not looked at.

    Args:
        path: of the ``MANIFEST.toml``; the weights lie beside it.

    Raises:
        ModelError: the manifest cannot be read.
        CorruptWeightsError: it is ill-formed, or names a model or a default twice.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"cannot be read: {reason_of(error)}", path=path) from error
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError are both
        raise CorruptWeightsError(f"no valid TOML: {error}", path=path) from error

    tables = document.get("model", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise CorruptWeightsError("`model` is not a list of tables", path=path)
    entries = tuple(_entry(table, path) for table in tables)
    names = [entry.name for entry in entries]
    if len(set(names)) < len(names):
        raise CorruptWeightsError(f"a model is named twice among {sorted(names)}", path=path)
    if sum(entry.default for entry in entries) > 1:
        raise CorruptWeightsError("more than one model is the default", path=path)
    return entries


def _entry(table: Mapping[str, Any], path: Path) -> ModelEntry:
    keys = set(table)
    wrong = sorted((_REQUIRED - keys) | (keys - _REQUIRED - _OPTIONAL))
    if wrong:
        raise CorruptWeightsError(
            f"a [[model]] lacks a key or has an unknown one: {', '.join(wrong)}", path=path
        )
    checks = {
        "name": _matches(_NAME, table["name"]),
        # Only a plain file name: a manifest must not point outside its folder.
        "file": _matches(_FILE, table["file"]),
        "sha256": _matches(_SHA256, table["sha256"]),
        "bytes": _is_count(table["bytes"]),
        "description": isinstance(table["description"], str),
        "default": isinstance(table.get("default", False), bool),
        "macs_per_pixel": _is_count(table.get("macs_per_pixel", 1)),
        "receptive_radius": _is_count(table.get("receptive_radius", 1)),
        "spacing_ev": "spacing_ev" not in table or is_spacing(table["spacing_ev"]),
        "scores": _is_scores(table.get("scores", {})),
    }
    for key, right in checks.items():
        if not right:
            raise CorruptWeightsError(f"a [[model]] has {key} = {table[key]!r}", path=path)
    low, high = table.get("spacing_ev", TRAINED_SPACING_EV)
    return ModelEntry(
        name=table["name"],
        path=path.parent / table["file"],
        sha256=table["sha256"],
        bytes=table["bytes"],
        description=table["description"],
        default=table.get("default", False),
        macs_per_pixel=table.get("macs_per_pixel"),
        receptive_radius=table.get("receptive_radius"),
        spacing_ev=(float(low), float(high)),
        scores=MappingProxyType(
            {name: MappingProxyType(dict(row)) for name, row in table.get("scores", {}).items()}
        ),
    )


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _is_scores(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(row, dict)
        and all(
            isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v)
            for v in row.values()
        )
        for row in value.values()
    )
