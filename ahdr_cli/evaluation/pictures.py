"""Numbers as pictures: thumbnails, error and attention maps, legends, the worst places.

Pictures are (H, W, 3) uint8 sRGB; Pillow draws and encodes them.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ahdr_cli.images import FloatArray
from ahdr_cli.io import atomic_path
from ahdr_cli.radiometry.colourmap import colour_table
from ahdr_cli.radiometry.tonemap import to_uint8
from ahdr_cli.radiometry.transfer import mu_law_compress

__all__ = [
    "ERROR_RANGE",
    "GHOST_RANGE",
    "Picture",
    "data_uri",
    "error_values",
    "legend",
    "mu_picture",
    "pixel_uri",
    "sheet",
    "stretch",
    "thumbnail",
    "worst_windows",
    "write_png",
]

Picture = NDArray[np.uint8]

ERROR_RANGE = (0.0, 0.1)
"""μ-law difference that error maps show from dark to light."""

GHOST_RANGE = (0.0, 0.25)
"""Difference of encoded values that consistency maps show from dark to light."""

_LEAST_STRETCH = 0.05
_GAP = 8
_CAPTION = 20
_PAPER = 255
_INK = (30, 30, 30)


def mu_picture(radiance: FloatArray) -> Picture:
    """μ-law (μ = 5000) of radiance in units of the shortest frame's white, clipped to [0, 1]."""
    return to_uint8(mu_law_compress(np.clip(radiance, np.float32(0), np.float32(1))))


def error_values(prediction: FloatArray, truth: FloatArray) -> FloatArray:
    """(H, W): largest channel's difference of the μ-law values."""
    difference = mu_law_compress(prediction) - mu_law_compress(truth)
    largest: FloatArray = np.abs(difference).max(axis=2)
    return largest


def stretch(values: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """(low, high) between which almost all values lie: the 1st and the 99th percentile.

    At least `_LEAST_STRETCH` apart, so that a flat map stays flat instead of showing its noise.
    """
    low, high = (float(value) for value in np.percentile(values, (1, 99)))
    missing = max(0.0, _LEAST_STRETCH - (high - low)) / 2
    return low - missing, high + missing


def thumbnail(picture: Picture, *, width: int) -> Picture:
    """At most `width` pixels wide, aspect kept; never enlarged."""
    height, full = picture.shape[:2]
    if full <= width:
        return picture
    size = (width, max(1, round(height * width / full)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def data_uri(picture: Picture, *, lossless: bool = False) -> str:
    """The picture itself as an address (WebP), for a page that needs no other file."""
    memory = io.BytesIO()
    Image.fromarray(picture).save(memory, "WEBP", lossless=lossless, quality=75, method=4)
    return f"data:image/webp;base64,{base64.b64encode(memory.getvalue()).decode()}"


def pixel_uri(picture: Picture) -> str:
    """The picture as an address in which every pixel keeps its own colour, to be shown enlarged.

    JPEG with full chroma: lossy WebP halves it, and lossless WebP takes twice the space.
    """
    memory = io.BytesIO()
    Image.fromarray(picture).save(memory, "JPEG", quality=92, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(memory.getvalue()).decode()}"


def write_png(path: Path, picture: Picture, *, overwrite: bool = False) -> Path:
    """Write atomically.

    Raises:
        OutputExistsError: the file is there, and `overwrite` is False.
        OutputError: it cannot be written.
    """
    with atomic_path(path, overwrite=overwrite) as temporary:
        Image.fromarray(picture).save(temporary, "PNG")
    return path


def legend(
    *, title: str, low: float | None = None, high: float | None = None, width: int = 320
) -> Picture:
    """A bar with all colours, its ends labelled unless None, and what they mean (ASCII)."""
    paper = Image.new("RGB", (width, 52), (_PAPER,) * 3)
    ramp = np.repeat(colour_table()[np.newaxis], 16, axis=0)
    paper.paste(Image.fromarray(ramp).resize((width - 2 * _GAP, 16)), (_GAP, 18))
    draw, font = ImageDraw.Draw(paper), _font()
    draw.text((_GAP, 2), title, fill=_INK, font=font)
    if low is not None:
        draw.text((_GAP, 37), f"{low:g}", fill=_INK, font=font)
    if high is not None:
        draw.text((width - _GAP, 37), f"{high:g}", fill=_INK, font=font, anchor="ra")
    return np.asarray(paper)


def sheet(
    rows: Sequence[Sequence[tuple[str, Picture]]], *, below: Picture | None = None
) -> Picture:
    """Rows of pictures, each with its caption above, on white.

    Args:
        rows: caption and picture of each, at least one row of at least one.
        below: put under the last row, e.g. a legend.
    """
    parts = [_row(row) for row in rows]
    if below is not None:
        parts.append(np.pad(below, ((_GAP, 0), (0, 0), (0, 0)), constant_values=_PAPER))
    width = max(part.shape[1] for part in parts)
    padded = [
        np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0)), constant_values=_PAPER)
        for part in parts
    ]
    return np.concatenate(padded)


def _row(pictures: Sequence[tuple[str, Picture]]) -> Picture:
    height = max(picture.shape[0] for _, picture in pictures) + _CAPTION + _GAP
    width = sum(picture.shape[1] + _GAP for _, picture in pictures) + _GAP
    paper = Image.new("RGB", (width, height), (_PAPER,) * 3)
    draw, left = ImageDraw.Draw(paper), _GAP
    for caption, picture in pictures:
        draw.text((left, 4), caption, fill=_INK, font=_font())
        paper.paste(Image.fromarray(picture), (left, _CAPTION))
        left += picture.shape[1] + _GAP
    return np.asarray(paper)


def worst_windows(error: FloatArray, *, side: int, count: int) -> list[tuple[float, int, int]]:
    """Where the mean squared error over a window is largest, without overlap.

    Args:
        error: (H, W).
        side: of the windows in pixels, at most the picture's shorter side is used.
        count: how many.

    Returns:
        (mean squared error, top, left), worst first; fewer than `count` if no more fit.
    """
    side = min(side, *error.shape)
    running = np.pad(np.cumsum(np.cumsum(error.astype(np.float64) ** 2, 0), 1), ((1, 0), (1, 0)))
    means = (
        running[side:, side:] - running[:-side, side:] - running[side:, :-side]
        + running[:-side, :-side]
    ) / side**2  # fmt: skip # the four corners belong together
    found = []
    for _ in range(count):
        top, left = (int(i) for i in np.unravel_index(np.argmax(means), means.shape))
        if means[top, left] <= 0:
            break
        found.append((float(means[top, left]), top, left))
        means[max(0, top - side + 1) : top + side, max(0, left - side + 1) : left + side] = -1
    return found


def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size=12)
