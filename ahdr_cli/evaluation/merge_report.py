"""`MergeReport`: how well one merge explains the frames it was made from, for `ahdr merge`.

There is no ground truth for a user's own photographs, so this is consistency alone
(:mod:`ahdr_cli.evaluation.consistency`). It is written as a page with pictures (.html) or as
numbers (.json); the suffix decides.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ahdr_cli.bracket import Bracket
from ahdr_cli.errors import OutputError
from ahdr_cli.evaluation.consistency import (
    GHOST,
    HIGHEST,
    LOWEST,
    Consistency,
    measure_consistency,
)
from ahdr_cli.evaluation.methods import to_shortest_white
from ahdr_cli.evaluation.page import cell, figure, page, section, table
from ahdr_cli.evaluation.pictures import (
    GHOST_RANGE,
    Picture,
    data_uri,
    legend,
    mu_picture,
    pixel_uri,
    thumbnail,
    worst_windows,
)
from ahdr_cli.images import HdrImage
from ahdr_cli.io import atomic_path
from ahdr_cli.radiometry.colourmap import colour_map
from ahdr_cli.radiometry.tonemap import to_uint8

__all__ = ["REPORT_SUFFIXES", "MergeReport", "report_merge", "write_merge_report"]

_SIDES = ("short", "reference", "long")
_SMALL, _LARGE = 400, 620  # widths in pixels of three and of two pictures in a row
_CROP, _FACTOR, _PLACES = 72, 3, 3

Box = tuple[slice, slice]
EVERYWHERE: Box = (slice(None), slice(None))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MergeReport:
    """One merge, measured against its own frames.

    Attributes:
        image: the result.
        bracket: the frames as they were merged: aligned, if they were.
        consistency: with the short, the reference and the long frame. The reference's is the
            figure of the merge; the others tell how much the scene moves.
        moved_px: by how much the short and the long frame were moved at their farthest corner.
        provenance: plain values, of the model and the machine, for the reader.
    """

    image: HdrImage
    bracket: Bracket
    consistency: tuple[Consistency, Consistency, Consistency]
    moved_px: tuple[float, float] = (0.0, 0.0)
    provenance: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The numbers, for JSON; the frames short → long."""
        moved = (self.moved_px[0], 0.0, self.moved_px[1])
        return {
            "frames": [
                {
                    "path": frame.name,
                    "ratio": float(ratio),
                    "moved_px": round(pixels, 3),
                    **found.to_dict(),
                }
                for frame, ratio, pixels, found in zip(
                    self.bracket.frames, self.bracket.ratios, moved, self.consistency, strict=True
                )
            ],
            "settings": {"compared_from": LOWEST, "compared_to": HIGHEST, "ghost": GHOST},
            "merge": dict(self.provenance),
        }

    def summary(self) -> str:
        """One line for people."""
        found = self.consistency[1]
        if not found.compared:
            return "the middle frame is clipped or dark everywhere: nothing to compare"
        agreement = "exactly" if found.psnr is None else f"to {found.psnr:.1f} dB"
        return (
            f"agrees with the middle frame {agreement} over {100 * found.compared:.0f} % of the "
            f"picture, {100 * found.ghosts:.2f} % of that are ghosts"
        )

    def to_html(self, *, title: str) -> str:
        """A page that needs no other file."""
        bar = legend(low=0, high=GHOST_RANGE[1], title="consistency error; grey: not compared")
        summary = self.summary()
        names = [
            f"{side}: {Path(f.name).name}"
            for side, f in zip(_SIDES, self.bracket.frames, strict=True)
        ]
        # Pictures are made and made small one after the other: whole ones are large.
        parts = [
            f"<p>{escape(summary[0].upper() + summary[1:])}.</p>",
            self._table(),
            _EXPLANATION,
            section(
                "Result, and where it differs from the middle frame",
                _figure("result, after the μ-law", self._result(), width=_LARGE)
                + _figure("reference: consistency error", self._error(1), width=_LARGE),
                figure("", data_uri(bar, lossless=True), bar.shape),
            ),
            section(
                "Frames as they were merged",
                "".join(_figure(names[i], self._frame(i)) for i in range(3)),
                "".join(
                    _figure(f"{_SIDES[i]}: consistency error", self._error(i)) for i in range(3)
                ),
            ),
            self._worst(),
            f"<h2>Merge</h2><pre>{escape(json.dumps(dict(self.provenance), indent=1))}</pre>",
        ]
        return page(title, parts)

    def _table(self) -> str:
        rows = [
            [
                side,
                cell(Path(frame["path"]).name),
                cell(f"{frame['ratio']:.3g}"),
                cell(f"{frame['moved_px']:.1f}"),
                cell("–" if frame["psnr"] is None else f"{frame['psnr']:.2f}", side == "reference"),
                cell(f"{100 * frame['compared']:.1f}"),
                cell(f"{100 * frame['ghosts']:.2f}", side == "reference"),
            ]
            for side, frame in zip(_SIDES, self.to_dict()["frames"], strict=True)
        ]
        head = ["frame", "file", "exposure", "moved px", "PSNR dB", "compared %", "ghosts %"]
        return table(head, rows)

    def _worst(self) -> str:
        """The places that differ most from the reference, enlarged; "" if none does."""
        error = np.nan_to_num(self.consistency[1].error, nan=0.0)
        sections = []
        for value, top, left in worst_windows(error, side=_CROP, count=_PLACES):
            if value**0.5 < GHOST / 4:
                break
            box = (slice(top, top + _CROP), slice(left, left + _CROP))
            crops = [
                *((side, self._frame(i, box)) for i, side in enumerate(_SIDES)),
                ("result", self._result(box)),
                ("error", self._error(1, box)),
            ]
            figures = "".join(
                figure(caption, pixel_uri(crop), crop.shape, factor=_FACTOR)
                for caption, crop in crops
            )
            sections.append(section(f"row {top}, column {left}", figures))
        if not sections:
            return ""
        return f"<h2>Largest differences, {_FACTOR} times as large</h2>" + "".join(sections)

    def _frame(self, index: int, box: Box = EVERYWHERE) -> Picture:
        return to_uint8(self.bracket.frames[index].pixels[box])

    def _result(self, box: Box = EVERYWHERE) -> Picture:
        return mu_picture(to_shortest_white(self.image.pixels[box], self.bracket))

    def _error(self, index: int, box: Box = EVERYWHERE) -> Picture:
        return colour_map(self.consistency[index].error[box], high=GHOST_RANGE[1])


def report_merge(
    image: HdrImage,
    bracket: Bracket,
    *,
    moved_px: tuple[float, float] = (0.0, 0.0),
    provenance: Mapping[str, Any] | None = None,
) -> MergeReport:
    """Measure a merge against its frames.

    Args:
        image: the result; 1.0 = white of the reference frame.
        bracket: what it was merged from: `Preparation.bracket`, if the frames were changed.
        moved_px: of the alignment.
        provenance: plain values that the report repeats.

    Raises:
        SizeMismatchError: result and bracket differ in size.
    """
    short, reference, long = (
        measure_consistency(image.pixels, bracket, index=index) for index in range(3)
    )
    return MergeReport(
        image=image,
        bracket=bracket,
        consistency=(short, reference, long),
        moved_px=moved_px,
        provenance=provenance or {},
    )


def write_merge_report(
    path: Path, report: MergeReport, *, title: str, overwrite: bool = False
) -> Path:
    """Write the page or the numbers, whole or not at all.

    Raises:
        OutputError: another suffix than `REPORT_SUFFIXES`, or the file cannot be written.
        OutputExistsError: the file is there, and `overwrite` is False.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise OutputError(f"suffix must be {' or '.join(REPORT_SUFFIXES)}", path=path)
    text = writer(report, title)
    with atomic_path(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path


_WRITERS: Mapping[str, Callable[[MergeReport, str], str]] = MappingProxyType(
    {
        ".html": lambda report, title: report.to_html(title=title),
        ".json": lambda report, _: json.dumps(report.to_dict(), indent=2, allow_nan=False) + "\n",
    }
)

REPORT_SUFFIXES = tuple(_WRITERS)
"""What :func:`write_merge_report` can write."""

_EXPLANATION = (
    "<p class=note>The result, exposed again like a frame, must give that frame wherever it is "
    f"neither dark nor clipped (encoded values {LOWEST:g} to {HIGHEST:g}). A difference of more "
    f"than {GHOST:g} after a 5 × 5 mean counts as a ghost. The reference's row judges the merge. "
    "The other two also count what moved in the scene, which the merge is right to leave out; "
    "clipped places are not judged at all.</p>"
)


def _figure(caption: str, picture: Picture, *, width: int = _SMALL) -> str:
    small = thumbnail(picture, width=width)
    return figure(caption, data_uri(small), small.shape)
