"""The self-description of a checkpoint, readable without torch and without its tensors.

Our files are safetensors with this free text in the header:

=============== ====================================================================
``format``      always ``ahdr``
``version``     of this layout, ``1``
``architecture`` key into :data:`ahdr_cli.checkpoints.architectures.ARCHITECTURES`
``config``      JSON table, the fields of the architecture's configuration
``provenance``  JSON table of strings: where the weights came from and how they were
                trained; customary keys are ``origin``, ``data``, ``recipe``, ``hardware``,
                ``code`` and ``note``
``spacing_ev``  JSON pair, the exposure spacing in EV that training covered
``bounds``      JSON table of positive numbers, only after calibration: the largest
                absolute value that int8 keeps of each activation
=============== ====================================================================
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeGuard

from ahdr_cli.bracket.spacing import TRAINED_SPACING_EV
from ahdr_cli.checkpoints.container import read_metadata
from ahdr_cli.errors import CorruptWeightsError, ForeignCheckpointError

__all__ = ["MAX_BOUND", "MIN_BOUND", "CheckpointHeader", "is_spacing", "read_header"]

FORMAT = "ahdr"
VERSION = "1"

MIN_BOUND, MAX_BOUND = 1e-6, 1e6
"""Limits of an activation's bound; beyond them float32 could not hold the quotients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointHeader:
    """The self-description of a checkpoint.

    Attributes:
        architecture: name of the network family.
        config: fields of its configuration, as plain values, not yet validated.
        provenance: where the weights came from, as text by key.
        spacing_ev: smallest and largest exposure spacing covered by training, in EV.
        bounds: largest absolute value that int8 keeps of each activation, by name; names are
            not yet validated. Empty without calibration.
    """

    architecture: str
    config: Mapping[str, Any]
    provenance: Mapping[str, str]
    spacing_ev: tuple[float, float] = TRAINED_SPACING_EV
    bounds: Mapping[str, float] = field(default_factory=dict)

    def to_metadata(self) -> dict[str, str]:
        """As free text for a safetensors header."""
        metadata = {
            "format": FORMAT,
            "version": VERSION,
            "architecture": self.architecture,
            "config": json.dumps(dict(self.config)),
            "provenance": json.dumps(dict(self.provenance), ensure_ascii=False),
            "spacing_ev": json.dumps(self.spacing_ev),
        }
        if self.bounds:
            metadata["bounds"] = json.dumps(dict(self.bounds))
        return metadata

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], *, path: Path) -> Self:
        """Inverse of :meth:`to_metadata`.

        Args:
            metadata: free text of a safetensors header.
            path: named in errors.

        Raises:
            ForeignCheckpointError: written by something else, or by a newer ahdr.
            CorruptWeightsError: ours, but incomplete or ill-formed.
        """
        if metadata.get("format") != FORMAT:
            raise ForeignCheckpointError(
                f"no ahdr checkpoint: its header says format {metadata.get('format')!r}, "
                f"expected {FORMAT!r}",
                path=path,
                hint="convert it with `ahdr models import`",
            )
        if metadata.get("version") != VERSION:
            raise ForeignCheckpointError(
                f"checkpoint layout {metadata.get('version')!r}, expected {VERSION!r}",
                path=path,
                hint="it needs another version of ahdr",
            )
        if not metadata.get("architecture"):
            raise CorruptWeightsError("the header names no architecture", path=path)
        provenance = _table(metadata, "provenance", path)
        if not all(isinstance(value, str) for value in provenance.values()):
            raise CorruptWeightsError("the header's provenance holds more than text", path=path)
        spacing = _json(metadata, "spacing_ev", path)
        if not is_spacing(spacing):
            raise CorruptWeightsError(
                f"the header's spacing_ev is {spacing!r}, expected two ascending numbers > 0",
                path=path,
            )
        bounds = _table(metadata, "bounds", path) if "bounds" in metadata else {}
        for name, bound in bounds.items():
            if not _is_bound(bound):
                raise CorruptWeightsError(
                    f"the header's bound of {name[:60]!r} is {str(bound)[:20]}, expected a number "
                    f"from {MIN_BOUND:g} to {MAX_BOUND:g}",
                    path=path,
                )
        return cls(
            architecture=metadata["architecture"],
            config=_table(metadata, "config", path),
            provenance=provenance,
            spacing_ev=(float(spacing[0]), float(spacing[1])),
            bounds=MappingProxyType({name: float(bound) for name, bound in bounds.items()}),
        )


def read_header(path: Path) -> CheckpointHeader:
    """The self-description of one of our checkpoints.

    Raises:
        UnknownModelError: the file cannot be opened.
        ForeignCheckpointError: not one of ours.
        CorruptWeightsError: damaged.
    """
    return CheckpointHeader.from_metadata(read_metadata(path), path=path)


def is_spacing(value: object) -> TypeGuard[list[float]]:
    """Whether a parsed JSON or TOML value is a pair 0 < smallest < largest."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in value)
        and 0 < value[0] < value[1]
        and math.isfinite(value[1])
    )


def _is_bound(value: object) -> TypeGuard[float]:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and MIN_BOUND <= value <= MAX_BOUND  # which NaN is not
    )


def _json(metadata: Mapping[str, str], key: str, path: Path) -> object:
    if key not in metadata:
        raise CorruptWeightsError(f"the header has no {key}", path=path)
    try:
        value: object = json.loads(metadata[key])
    except (ValueError, RecursionError) as error:
        raise CorruptWeightsError(f"the header's {key} is not JSON", path=path) from error
    return value


def _table(metadata: Mapping[str, str], key: str, path: Path) -> Mapping[str, Any]:
    table = _json(metadata, key, path)
    if not isinstance(table, dict):
        raise CorruptWeightsError(f"the header's {key} is not a table", path=path)
    return MappingProxyType(table)
