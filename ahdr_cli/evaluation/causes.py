"""Why an error is there: a scene's pixels sorted by what makes them hard.

Every pixel gets one cause, the first that applies:

1. *clipped, moving* – the reference is white there and an outer frame shows something else;
2. *clipped, static* – the reference is white there;
3. *dark* – the reference is so dark that noise and rounding rule;
4. *moving* – an outer frame shows something else, over an area;
5. *misaligned* – an outer frame shows something else, but only along edges;
6. *well exposed* – nothing excuses an error here.

Whether an outer frame "shows something else" is measured against the truth: the truth,
exposed like that frame, must equal it up to noise wherever the frame is neither clipped nor
black. For synthetic scenes that were made without motion (``scene.json``) this is skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket import Bracket
from ahdr_cli.bracket.opencv import load_cv2
from ahdr_cli.images import FloatArray
from ahdr_cli.radiometry.transfer import gamma_encode, mu_law_compress

__all__ = ["CAUSES", "CauseMap", "CauseShare", "cause_map", "disagreement", "split_error"]

CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "clipped, moving": "reference white, an outer frame shows something else",
        "clipped, static": "reference white, outer frames agree with the truth",
        "dark": "reference below 8 % of the encoded range",
        "moving": "an outer frame shows something else, over an area",
        "misaligned": "an outer frame differs along edges only",
        "well exposed": "nothing excuses an error",
    }
)
"""Names in the order of precedence, with what they mean."""

CLIPPED = 250.0 / 255.0
"""Encoded value from which a frame counts as white: JPEG rings a few steps below 255."""

DARK = 0.08
"""Encoded value below which the reference counts as dark: 0.4 % of linear white."""

_TOLERANCE = 0.06
"""Encoded difference that noise, rounding and small response errors may make."""

_AREA = 7
"""Side in pixels of the smallest square of disagreement that counts as an area."""

CauseMap = NDArray[np.uint8]
BoolMap = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseShare:
    """One method's error on the pixels of one cause.

    Attributes:
        pixels: how many there are.
        squared_error: sum over their channels of the squared error of the μ-law values.
    """

    pixels: int
    squared_error: float

    @property
    def psnr(self) -> float | None:
        """PSNR-μ over these pixels in dB; None without pixels or without error."""
        if not self.pixels or self.squared_error <= 0:
            return None
        return float(-10.0 * np.log10(self.squared_error / (3 * self.pixels)))

    def __add__(self, other: CauseShare) -> CauseShare:
        return CauseShare(
            pixels=self.pixels + other.pixels,
            squared_error=self.squared_error + other.squared_error,
        )


def cause_map(
    bracket: Bracket, truth: FloatArray, *, labels: Mapping[str, Any] | None = None
) -> CauseMap:
    """The cause of every pixel.

    Args:
        bracket: the frames.
        truth: (H, W, 3) in units of the shortest frame's white, in [0, 1].
        labels: of the scene; a ``motion`` or ``kind`` of ``static`` says that nothing moves.

    Returns:
        (H, W) uint8, index into the keys of `CAUSES`.
    """
    brightest = bracket.reference.pixels.max(axis=2)
    clipped = brightest >= CLIPPED
    dark = brightest < DARK
    # Sets of different origin call it differently; anything else is measured.
    if "static" in ((labels or {}).get("motion"), (labels or {}).get("kind")):
        moved = edges = np.zeros_like(clipped)
    else:
        differs = disagreement(bracket, truth)
        moved = _areas(differs)
        edges = differs & ~moved
    moved_or_edge = moved | edges
    return np.select(
        [clipped & moved_or_edge, clipped, dark, moved, edges],
        [0, 1, 2, 3, 4],
        default=5,
    ).astype(np.uint8)


def disagreement(bracket: Bracket, truth: FloatArray) -> BoolMap:
    """(H, W): where an outer frame shows something that the truth cannot explain.

    Where the truth itself is clipped nothing can be told, as far as the frame is white too.
    """
    found = np.zeros(truth.shape[:2], dtype=np.bool_)
    for index in (0, 2):
        expected = gamma_encode(
            np.minimum(truth * np.float32(bracket.ratios[index]), np.float32(1))
        )
        frame = bracket.frames[index].pixels
        # Dark values are noisy; compared as dark they agree.
        difference = np.abs(np.maximum(frame, DARK) - np.maximum(expected, DARK))
        found |= difference.max(axis=2) > _TOLERANCE
    return found


def split_error(
    prediction: FloatArray, truth: FloatArray, causes: CauseMap
) -> dict[str, CauseShare]:
    """Squared error of the μ-law values, added up by cause.

    Args:
        prediction: (H, W, 3) in units of the shortest frame's white, in [0, 1].
        truth: the same shape and unit.
        causes: from :func:`cause_map`.
    """
    error = mu_law_compress(prediction.astype(np.float64)) - mu_law_compress(
        truth.astype(np.float64)
    )
    squared = (error**2).sum(axis=2)
    sums = np.bincount(causes.ravel(), weights=squared.ravel(), minlength=len(CAUSES))
    counts = np.bincount(causes.ravel(), minlength=len(CAUSES))
    return {
        name: CauseShare(pixels=int(count), squared_error=float(total))
        for name, count, total in zip(CAUSES, counts, sums, strict=True)
    }


def _areas(mask: BoolMap) -> BoolMap:
    """The part of `mask` that belongs to solid areas: an opening, grown back within the mask."""
    cv2 = load_cv2()
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((_AREA, _AREA), np.uint8))
    near = cv2.dilate(opened, np.ones((_AREA, _AREA), np.uint8)) > 0
    areas: BoolMap = mask & near
    return areas
