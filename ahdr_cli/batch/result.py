"""`SetResult`: what became of one set."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ahdr_cli.batch.plan import PlannedSet
from ahdr_cli.errors import AhdrError

__all__ = ["FrameReport", "SetResult"]

Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameReport:
    """One frame that was merged.

    Attributes:
        path: of the file.
        ev: effective exposure in EV, log2(t · ISO / (100 · N²)).
        ratio: exposure relative to the shortest frame.
        seconds, iso, f_number: as used; None if unknown, as the shutter time is with EVs given.
    """

    path: str
    ev: float
    ratio: float
    seconds: float | None
    iso: float | None = None
    f_number: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetResult:
    """What became of one set.

    Attributes:
        planned: the set.
        status: ``done`` now, ``skipped`` because it was done before, or ``failed``.
        output: the result's full path.
        reason: why it failed; None otherwise.
        error: class of the failure; None otherwise.
        frames: the three that were merged, short to long.
        size: (height, width) in pixels.
        offset_ev: stops by which the result was brightened for the common reference exposure;
            None if there is none.
        warnings: doubts, one line each.
        seconds: by stage: ``read``, ``merge``, ``write``.
        computed: device, precision, runtime and the like, of `Merger.plan`.
        aligned_px: how far the short and the long frame were moved; empty if they were not
            looked at.
        matched_ev: by how many stops the frames differed with γ 2.2, before they were matched or
            the camera's curve was undone; None if neither was done.
        highlights: files shorter than these three that raised the highlights.
    """

    planned: PlannedSet
    status: Status
    output: Path
    reason: str | None = None
    error: str | None = None
    frames: tuple[FrameReport, ...] = ()
    size: tuple[int, int] | None = None
    offset_ev: float | None = None
    warnings: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    computed: Mapping[str, Any] = field(default_factory=dict)
    aligned_px: tuple[float, ...] = ()
    matched_ev: float | None = None
    highlights: tuple[str, ...] = ()

    @classmethod
    def failure(cls, planned: PlannedSet, output: Path, error: Exception) -> SetResult:
        """A set that could not be merged."""
        if isinstance(error, AhdrError):
            reason = str(error)
        else:
            reason = f"unexpected {type(error).__name__}: {' '.join(str(error).split())}"
        return cls(
            planned=planned,
            status="failed",
            output=output,
            reason=reason,
            error=type(error).__name__,
        )

    @classmethod
    def from_record(cls, planned: PlannedSet, output: Path, record: Mapping[str, Any]) -> SetResult:
        """A set that was done before, from its record's ``result``.

        Raises:
            KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError: the record
                is not one of ours.
        """
        size = record["size"]
        result = cls(
            planned=planned,
            status="skipped",
            output=output,
            frames=tuple(_frame_of(frame) for frame in record["frames"]),
            size=(int(size[0]), int(size[1])),
            offset_ev=_optional(record["offset_ev"], largest=_MOST_EV),
            warnings=tuple(str(warning) for warning in record["warnings"]),
            seconds={str(name): float(value) for name, value in record["seconds"].items()},
            computed=dict(record["computed"]),
            aligned_px=tuple(float(pixels) for pixels in record["aligned_px"]),
            matched_ev=_optional(record["matched_ev"]),
            # Records of sets of three, which are as they were, need not say that there are none.
            highlights=tuple(str(name) for name in record.get("highlights", ())),
        )
        if len(result.frames) != 3:
            raise ValueError(f"{len(result.frames)} frames, expected 3")
        json.dumps(result.to_record(), allow_nan=False)  # or the report cannot be written
        return result

    def to_record(self) -> dict[str, Any]:
        """What a record keeps, for :meth:`from_record`."""
        return {
            "frames": [asdict(frame) for frame in self.frames],
            "size": self.size,
            "offset_ev": self.offset_ev,
            "warnings": list(self.warnings),
            "seconds": {name: round(value, 4) for name, value in self.seconds.items()},
            "computed": dict(self.computed),
            "aligned_px": [round(pixels, 3) for pixels in self.aligned_px],
            "matched_ev": None if self.matched_ev is None else round(self.matched_ev, 3),
            "highlights": list(self.highlights),
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``report.json``."""
        return {
            "output": self.planned.output.as_posix(),
            "status": self.status,
            "reason": self.reason,
            "error": self.error,
            "inputs": [str(path) for path in self.planned.inputs],
            "grouped_because": self.planned.reason,
            **self.to_record(),
        }


# --- from a record, which may hold anything --------------------------------------------------

_MOST_EV = 1000.0
"""2 to this power is still a number; the sun is not 100 EV brighter than a starless night."""


def _frame_of(entry: Mapping[str, Any]) -> FrameReport:
    frame = FrameReport(**entry)
    if not isinstance(frame.path, str):
        raise TypeError("the path is not text")
    return FrameReport(
        path=frame.path,
        ev=_number(frame.ev),
        ratio=_positive(frame.ratio),
        seconds=None if frame.seconds is None else _positive(frame.seconds),
        iso=_optional(frame.iso),
        f_number=_optional(frame.f_number),
    )


def _number(value: object, *, largest: float = math.inf) -> float:
    """A number as it is, were it an integer; the report formats it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{type(value).__name__} in place of a number")
    if not math.isfinite(value) or abs(value) > largest:  # OverflowError from huge integers
        raise ValueError("a number beyond reason")
    return value


def _positive(value: object) -> float:
    number = _number(value)
    if number <= 0:
        raise ValueError("a number that must be positive is not")
    return number


def _optional(value: object, *, largest: float = math.inf) -> float | None:
    return None if value is None else _number(value, largest=largest)
