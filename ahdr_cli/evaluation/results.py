"""`Evaluation`: everything that was measured, and its means; no pictures."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ahdr_cli.evaluation.causes import CAUSES, CauseShare
from ahdr_cli.evaluation.consistency import Consistency

__all__ = ["Column", "Evaluation", "SceneResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How a measure is shown.

    Attributes:
        heading: with the unit.
        decimals: worth showing.
        smaller_is_better: else larger is.
    """

    heading: str
    decimals: int
    smaller_is_better: bool = False

    def format(self, value: float | None) -> str:
        """A value for people; an en dash where there is none."""
        if value is None:
            return "–"
        return f"{value:.{self.decimals}f}" if math.isfinite(value) else "∞"


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneResult:
    """One method on one scene.

    Attributes:
        scene: name.
        method: name.
        values: by the measure's key; a measure that makes no sense here is absent.
        causes: the error by cause; {} without ground truth.
        consistency: with each frame, short, reference, long; () if not asked for.
        seconds: wall time of the merge; None for a result that was computed elsewhere.
    """

    scene: str
    method: str
    values: Mapping[str, float] = field(default_factory=dict)
    causes: Mapping[str, CauseShare] = field(default_factory=dict)
    consistency: tuple[Consistency, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Scores of some methods on some scenes.

    Attributes:
        data: the data sets' labels.
        methods: name → one line, in the order of the table.
        columns: by the measure's key, in the order of the table.
        settings: what the measures were told (display, viewing distance, versions).
        results: one for each scene and method, scenes first.
    """

    data: tuple[str, ...]
    methods: Mapping[str, str]
    columns: Mapping[str, Column]
    settings: Mapping[str, Any]
    results: tuple[SceneResult, ...]

    @property
    def scenes(self) -> tuple[str, ...]:
        """Names, in the order of evaluation."""
        return tuple(dict.fromkeys(result.scene for result in self.results))

    def of(self, method: str) -> tuple[SceneResult, ...]:
        """The results of one method, in the order of the scenes."""
        return tuple(result for result in self.results if result.method == method)

    def mean(self, method: str, measure: str) -> float | None:
        """Mean over the scenes of the per-image values, as in the literature; None without any."""
        values = [r.values[measure] for r in self.of(method) if measure in r.values]
        return math.fsum(values) / len(values) if values else None

    def best(self, key: str) -> frozenset[str]:
        """The methods with the best mean, as far as the column shows it; none if all are alike."""
        column = self.columns[key]
        means = {method: self.mean(method, key) for method in self.methods}
        known = {method: value for method, value in means.items() if value is not None}
        if not known:
            return frozenset()
        best = min(known.values()) if column.smaller_is_better else max(known.values())
        found = frozenset(m for m, v in known.items() if column.format(v) == column.format(best))
        return found if len(found) < len(known) or len(known) == 1 else frozenset()

    def causes(self, method: str) -> dict[str, CauseShare]:
        """The error by cause, pooled over all pixels of all scenes; {} without ground truth."""
        rows = [result.causes for result in self.of(method) if result.causes]
        if not rows:
            return {}
        nothing = CauseShare(pixels=0, squared_error=0.0)
        return {name: sum((row[name] for row in rows), nothing) for name in CAUSES}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not finite is None."""
        return {
            "data": list(self.data),
            "settings": dict(self.settings),
            "measures": {key: column.heading for key, column in self.columns.items()},
            "methods": {
                method: {
                    "summary": summary,
                    "mean": {key: _plain(self.mean(method, key)) for key in self.columns},
                    "causes": {
                        name: _cause(share, self.causes(method))
                        for name, share in self.causes(method).items()
                    },
                }
                for method, summary in self.methods.items()
            },
            "scenes": [
                {
                    "scene": result.scene,
                    "method": result.method,
                    "seconds": None if result.seconds is None else round(result.seconds, 3),
                    **{key: _plain(value) for key, value in result.values.items()},
                    **(
                        {"consistency": [item.to_dict() for item in result.consistency]}
                        if result.consistency
                        else {}
                    ),
                }
                for result in self.results
            ],
        }

    def to_csv(self) -> str:
        """One line for each scene and method; an absent measure is an empty field."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["scene", "method", *self.columns, "seconds"])
        for result in self.results:
            cells = [_cell(result.values.get(key)) for key in self.columns]
            seconds = "" if result.seconds is None else f"{result.seconds:.3f}"
            writer.writerow([result.scene, result.method, *cells, seconds])
        return text.getvalue()


def _cause(share: CauseShare, row: Mapping[str, CauseShare]) -> dict[str, float | None]:
    pixels = sum(item.pixels for item in row.values())
    error = math.fsum(item.squared_error for item in row.values())
    return {
        "share_of_pixels": share.pixels / pixels if pixels else 0.0,
        "share_of_error": share.squared_error / error if error else 0.0,
        "psnr_mu": _plain(share.psnr),
    }


def _plain(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}" if math.isfinite(value) else str(value)
