"""`Report`: the evaluation as one HTML file that needs no other, with pictures.

Scenes are added while they are in memory; of each only small encoded pictures are kept. The
page has no script and refers to nothing outside itself, so it opens anywhere, also offline.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ahdr_cli.bracket import Bracket
from ahdr_cli.evaluation.evaluate import Visit
from ahdr_cli.evaluation.methods import to_shortest_white
from ahdr_cli.evaluation.page import figure, page, section, tables
from ahdr_cli.evaluation.pictures import (
    ERROR_RANGE,
    GHOST_RANGE,
    Picture,
    data_uri,
    error_values,
    legend,
    mu_picture,
    pixel_uri,
    stretch,
    thumbnail,
    worst_windows,
)
from ahdr_cli.evaluation.results import Evaluation
from ahdr_cli.images import FloatArray, Frame
from ahdr_cli.io import atomic_path, check_output
from ahdr_cli.io.place import check_folder as check_whole
from ahdr_cli.io.place import make_folder
from ahdr_cli.radiometry.colourmap import colour_map
from ahdr_cli.radiometry.tonemap import to_uint8

__all__ = ["FILES", "Report", "check_folder"]

FILES = ("index.html", "evaluation.json", "scores.csv")
"""What a report's folder holds."""

_CROP, _FACTOR = 72, 3
_WORST = 8  # places of the first method that are shown enlarged

Attention = Callable[[Bracket], tuple[FloatArray, FloatArray]]


def check_folder(folder: Path, names: Sequence[str] = FILES, *, overwrite: bool) -> None:
    """Find out before the work whether files can be written into `folder`, which need not exist.

    Raises:
        OutputExistsError: one of `names` is there already, and `overwrite` is False.
        OutputError: the folder cannot be made or written to.
    """
    check_whole(folder)
    if folder.is_dir():
        for name in names:
            path = folder / name
            check_output(path, overwrite=overwrite, suffixes=(path.suffix,))


@dataclass(frozen=True, slots=True, order=True)
class _Crop:
    error: float
    order: int
    html: str


class Report:
    """Collects pictures scene by scene, then writes the page.

    Args:
        attention: method → function that gives the mean attention of the short and the long
            frame, (H, W) in [0, 1]; methods without attention are left out.
        width: of the thumbnails in pixels.
    """

    def __init__(
        self, *, attention: Mapping[str, Attention] | None = None, width: int = 300
    ) -> None:
        self._attention = dict(attention or {})
        self._width = width
        self._scenes: list[str] = []
        self._crops: list[_Crop] = []

    def add(self, visit: Visit) -> None:
        """Take what is to be shown of a scene."""
        bracket, truth = visit.scene.bracket, visit.scene.truth
        rows = [
            "".join(
                self._small(label, to_uint8(frame.pixels)) for label, frame in _labelled(bracket)
            )
        ]
        shown = {
            name: mu_picture(to_shortest_white(radiance, bracket))
            if name not in visit.pictures
            else to_uint8(radiance)
            for name, radiance in visit.radiance.items()
        }
        results = [self._small(name, picture) for name, picture in shown.items()]
        if truth is not None:
            results.insert(0, self._small("truth", mu_picture(truth)))
        rows.append("".join(results))
        if truth is not None:
            rows.append(self._errors(visit, truth, shown))
        ghosts = [
            self._small(
                f"{name}: consistency error",
                colour_map(r.consistency[1].error, high=GHOST_RANGE[1]),
            )
            for name, r in visit.results.items()
            if r.consistency
        ]
        if ghosts:
            rows.append("".join(ghosts))
        for name, maps in self._attention.items():
            short, long = maps(bracket)
            rows.append(
                self._attend(f"{name}: attention, short", short)
                + self._attend(f"{name}: attention, long", long)
            )
        self._scenes.append(section(visit.scene.name, *rows))

    def write(self, folder: Path, evaluation: Evaluation, *, overwrite: bool = False) -> Path:
        """Write the three files of :data:`FILES`.

        Returns:
            The path of the page.

        Raises:
            OutputExistsError: there is a report already, and `overwrite` is False.
            OutputError: the folder cannot be written to.
        """
        check_folder(folder, overwrite=overwrite)
        make_folder(folder)
        texts = {
            "index.html": self._page(evaluation),
            "evaluation.json": json.dumps(evaluation.to_dict(), indent=2, allow_nan=False) + "\n",
            "scores.csv": evaluation.to_csv(),
        }
        for name, text in texts.items():
            with atomic_path(folder / name, overwrite=overwrite) as path:
                path.write_text(text, encoding="utf-8", errors="backslashreplace")
        return folder / "index.html"

    def _errors(self, visit: Visit, truth: FloatArray, shown: Mapping[str, Picture]) -> str:
        bracket = visit.scene.bracket
        errors = {
            name: error_values(to_shortest_white(radiance, bracket), truth)
            for name, radiance in visit.radiance.items()
            if name not in visit.pictures
        }
        if errors:
            first = next(iter(errors))
            for value, top, left in worst_windows(errors[first], side=_CROP, count=3):
                box = (slice(top, top + _CROP), slice(left, left + _CROP))
                crops = [
                    *((label, to_uint8(frame.pixels[box])) for label, frame in _labelled(bracket)),
                    ("truth", mu_picture(truth[box])),
                    *((name, picture[box]) for name, picture in shown.items()),
                ]
                html = section(
                    f"{visit.scene.name}, row {top}, column {left}",
                    "".join(_crop(name, picture) for name, picture in crops),
                )
                # The order breaks ties, so that crops are never compared by their text.
                heapq.heappush(self._crops, _Crop(value, -len(self._scenes), html))
                if len(self._crops) > _WORST:
                    heapq.heappop(self._crops)
        return "".join(
            self._small(f"{name}: error", colour_map(error, high=ERROR_RANGE[1]))
            for name, error in errors.items()
        )

    def _small(self, caption: str, picture: Picture) -> str:
        small = thumbnail(picture, width=self._width)
        return figure(caption, data_uri(small), small.shape)

    def _attend(self, caption: str, mean: FloatArray) -> str:
        low, high = stretch(mean)
        return self._small(
            f"{caption}, {low:.2f} to {high:.2f}", colour_map(mean, low=low, high=high)
        )

    def _page(self, evaluation: Evaluation) -> str:
        parts = [tables(evaluation)]
        if self._crops:
            worst = sorted(self._crops, reverse=True)
            method = next(iter(evaluation.methods))
            parts.append(
                f"<h2>Worst places of {escape(method)}, {_FACTOR} times as large</h2>"
                + "".join(crop.html for crop in worst)
            )
        bars = []
        if any(evaluation.causes(method) for method in evaluation.methods):
            bars.append(
                legend(low=0, high=ERROR_RANGE[1], title="error (difference after the mu-law)")
            )
        if self._attention:
            bars.append(legend(title="attention: least to most, see captions"))
        if any(result.consistency for result in evaluation.results):
            bars.append(
                legend(low=0, high=GHOST_RANGE[1], title="consistency error; grey: not compared")
            )
        keys = "".join(figure("", data_uri(bar, lossless=True), bar.shape) for bar in bars)
        parts.append(f"<h2>Scenes</h2><div class=row>{keys}</div>" + "".join(self._scenes))
        return page(f"Evaluation: {', '.join(evaluation.data)}", parts)


def _labelled(bracket: Bracket) -> list[tuple[str, Frame]]:
    return list(zip(("short frame", "reference frame", "long frame"), bracket.frames, strict=True))


def _crop(caption: str, picture: Picture) -> str:
    return figure(caption, pixel_uri(picture), picture.shape, factor=_FACTOR)
