"""Consistency: a measure that needs no ground truth.

A merge keeps the reference's geometry, so its radiance, exposed again like the reference
frame, must give that frame wherever the frame is neither clipped nor noisy. What differs there
is a ghost, a cast or lost texture. It says nothing about clipped places, where the outer frames
alone know better; and the reference frame itself is perfectly consistent, so this finds faults
and cannot prove quality.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket import Bracket
from ahdr_cli.errors import SizeMismatchError
from ahdr_cli.images import FloatArray
from ahdr_cli.radiometry.transfer import gamma_encode

__all__ = ["Consistency", "measure_consistency"]

LOWEST, HIGHEST = 0.12, 0.96
"""Encoded values between which a frame is neither noisy nor close to clipping."""

GHOST = 0.08
"""Encoded difference, after a mean over 5 by 5 pixels against noise, that counts as a
ghost: 20 steps of 255."""

_WINDOW = 5
_REACH = _WINDOW // 2
_BAND = 64  # rows compared at a time, few enough for the processor's cache


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Consistency:
    """How well a merge explains the frame it was made from.

    Attributes:
        psnr: in dB over the compared pixels, of the encoded values; None if none can be
            compared or none differs.
        compared: share of the pixels that are neither clipped nor dark, in [0, 1].
        ghosts: share of the compared pixels that differ beyond `GHOST`.
        error: (H, W) float32, largest channel's difference after a 5×5 mean; NaN where
            nothing can be said.
    """

    psnr: float | None
    compared: float
    ghosts: float
    error: FloatArray

    def without_map(self) -> Consistency:
        """The numbers alone; the map is replaced by an empty one."""
        return replace(self, error=np.empty((0, 0), np.float32))

    def to_dict(self) -> dict[str, float | None]:
        """Numbers for a report, without the map."""
        return {"psnr": self.psnr, "compared": self.compared, "ghosts": self.ghosts}


def measure_consistency(radiance: FloatArray, bracket: Bracket, *, index: int = 1) -> Consistency:
    """Expose `radiance` like a frame of the bracket and compare.

    Args:
        radiance: (H, W, 3) linear, 1.0 = white of the reference frame.
        bracket: what it was merged from.
        index: of the frame; 1 is the reference. Outer frames agree only where nothing
            moved, so their figures tell how much the scene moves rather than how good the
            merge is.

    Raises:
        SizeMismatchError: the merge has another size.
    """
    frame = bracket.frames[index].pixels
    if radiance.shape != frame.shape:
        raise SizeMismatchError(
            f"{radiance.shape[1]}x{radiance.shape[0]} pixels, "
            f"but the bracket has {frame.shape[1]}x{frame.shape[0]}"
        )
    gain = np.float32(bracket.ratios[index] / bracket.ratios[1])
    error = np.full(frame.shape[:2], np.nan, np.float32)
    squared, count, ghosts = 0.0, 0, 0
    # In bands, because the sums behind the means take many times the memory of the picture.
    for top in range(0, len(frame), _BAND):
        above = min(top, _REACH)
        rows = slice(top - above, top + _BAND + _REACH)
        difference, smooth, trusted = _compare(radiance[rows], frame[rows], gain=gain)
        inner = slice(above, above + _BAND)
        chosen = trusted[inner]
        error[top : top + _BAND][chosen] = smooth[inner][chosen]
        squared += float((difference[inner][chosen].astype(np.float64) ** 2).sum())
        count += int(chosen.sum())
        ghosts += int((smooth[inner][chosen] > GHOST).sum())
    if not count:
        return Consistency(psnr=None, compared=0.0, ghosts=0.0, error=error)
    mse = squared / (count * frame.shape[2])
    return Consistency(
        psnr=-10.0 * float(np.log10(mse)) if mse > 0 else None,
        compared=count / error.size,
        ghosts=ghosts / count,
        error=error,
    )


def _compare(
    radiance: FloatArray, frame: FloatArray, *, gain: np.float32
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """(H, W, 3) difference, (H, W) largest smoothed difference, and where they can be trusted."""
    exposed = gamma_encode(np.clip(radiance * gain, np.float32(0), np.float32(1)))
    trusted = (frame.max(axis=2) <= HIGHEST) & (frame.min(axis=2) >= LOWEST)
    difference = exposed - frame
    smooth = np.abs(_window_mean(difference, trusted)).max(axis=2)
    return difference, smooth, trusted


def _window_mean(values: FloatArray, mask: NDArray[np.bool_]) -> FloatArray:
    """Mean of (H, W, C) `values` over the masked pixels of each window; 0 where there are none."""
    weights = mask[..., np.newaxis].astype(np.float32)
    total, count = _window_sum(values * weights), _window_sum(weights)
    mean: FloatArray = np.where(count > 0, total / np.maximum(count, 1), 0).astype(np.float32)
    return mean


def _window_sum(values: FloatArray) -> FloatArray:
    """Sum over `_WINDOW` × `_WINDOW`, zero outside."""
    total = values
    for axis in (0, 1):
        length = values.shape[axis]
        padding = [(0, 0)] * total.ndim
        padding[axis] = (_REACH, _REACH)
        padded = np.pad(total, padding)
        along = (slice(None),) * axis
        total = padded[(*along, slice(0, length))].copy()
        for shift in range(1, _WINDOW):
            total += padded[(*along, slice(shift, shift + length))]
    return total
