"""The attention of one bracket as pictures: every map by itself, and an overview with a legend."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ahdr_cli.bracket import Bracket
from ahdr_cli.evaluation.pictures import (
    Picture,
    legend,
    sheet,
    stretch,
    thumbnail,
)
from ahdr_cli.images import FloatArray
from ahdr_cli.radiometry.colourmap import colour_map
from ahdr_cli.radiometry.tonemap import to_uint8

if TYPE_CHECKING:
    from ahdr_cli.inference.attention_maps import AttentionSummary

__all__ = ["OVERVIEW", "attention_pictures", "picture_names"]

OVERVIEW = "overview.png"
"""Name of the picture that shows all others, with their ranges."""

_SMALL, _LEGEND = 320, 420  # widths in pixels


def attention_pictures(summary: AttentionSummary, bracket: Bracket) -> dict[str, Picture]:
    """File name → picture: each map with its range stretched, and the overview.

    Args:
        summary: of the bracket's attention.
        bracket: shown above the maps.
    """
    pictures, captions = {}, {}
    for name, values in _maps(summary).items():
        low, high = stretch(values)
        pictures[f"{name}.png"] = colour_map(values, low=low, high=high)
        captions[name] = f"{name.replace('_', ' ')}: {low:.2f} to {high:.2f}"
    sides = ("short", "reference", "long")
    rows = [[(side, to_uint8(f.pixels)) for side, f in zip(sides, bracket.frames, strict=True)]]
    for side in ("short", "long"):
        names = [name for name in captions if name.startswith(side)]
        rows.append([(captions[name], pictures[f"{name}.png"]) for name in names])
    small = [
        [(caption, thumbnail(picture, width=_SMALL)) for caption, picture in row] for row in rows
    ]
    bar = legend(title="attention, least to most trusted; ranges in the captions", width=_LEGEND)
    pictures[OVERVIEW] = sheet(small, below=bar)
    return pictures


def picture_names(channels: Iterable[int]) -> list[str]:
    """File names of :func:`attention_pictures` for a summary of these channels."""
    singles = [f"channel_{channel:02d}" for channel in channels]
    maps = [f"{side}_{kind}.png" for side in ("short", "long") for kind in ("mean", *singles)]
    return [*maps, OVERVIEW]


def _maps(summary: AttentionSummary) -> dict[str, FloatArray]:
    """File name without suffix → (H, W) attention."""
    maps = {}
    for side, mean, single in (
        ("short", summary.short, summary.short_channels),
        ("long", summary.long, summary.long_channels),
    ):
        maps[f"{side}_mean"] = mean
        for channel, values in zip(summary.channels, single, strict=True):
            maps[f"{side}_channel_{channel:02d}"] = values
    return maps
