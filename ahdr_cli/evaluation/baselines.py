"""What a user would otherwise reach for: classical ways to merge a bracket.

Each is a pure function of a :class:`~ahdr_cli.bracket.Bracket` that returns (H, W, 3) float32
linear radiance, ≥ 0, **1.0 = white of the reference frame** – except :func:`mertens`, which
makes a display-encoded picture in [0, 1] and no radiance.

Scale. Nothing is fitted to a ground truth. Where the camera curve is assumed (γ 2.2, as for
the network) the exposures alone give the scale. OpenCV's calibrations find the curve only up
to a factor and set it to 1 at the code value 128; the assumed curve has (128/255)^2.2 = 0.2195
of white there, so the merged radiance, made with exposures relative to the reference, is
multiplied by that. cv2 takes 8 bits: the frames are rounded to them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket import Bracket
from ahdr_cli.bracket.align import align_by_mtb
from ahdr_cli.bracket.opencv import load_cv2
from ahdr_cli.images import FloatArray
from ahdr_cli.radiometry.transfer import GAMMA, gamma_decode

__all__ = ["debevec", "mertens", "mtb_debevec", "reference_alone", "robertson", "triangle"]

_CV2_ANCHOR = (128.0 / 255.0) ** GAMMA
"""Linear value, in units of white, of the code value at which OpenCV sets the response to 1."""


def reference_alone(bracket: Bracket) -> FloatArray:
    """The middle frame, linearised: no ghosts, no highlights."""
    return gamma_decode(bracket.reference.pixels)


def triangle(bracket: Bracket) -> FloatArray:
    """Weighted mean of the radiance estimates, weight 1 - |2z - 1| of each encoded value z.

    The hat of Debevec & Malik (1997), on the linear values and per channel. Where every
    frame is at an end of its range the one that knows most decides: the shortest if all are
    white, the longest if all are black.
    """
    total = np.zeros_like(bracket.reference.pixels)
    weights = np.zeros_like(total)
    for frame, ratio in zip(bracket.frames, _relative(bracket), strict=True):
        hat = 1.0 - np.abs(2.0 * frame.pixels - 1.0)
        total += hat * gamma_decode(frame.pixels) / ratio
        weights += hat
    short, _, long = bracket.frames
    ratio_short, _, ratio_long = _relative(bracket)
    white = long.pixels > 0.5
    last = np.where(
        white, gamma_decode(short.pixels) / ratio_short, gamma_decode(long.pixels) / ratio_long
    )
    # Far below one step of a 16-bit frame, so that every measured value counts.
    known = weights > 1e-6
    return np.where(known, total / np.where(known, weights, 1.0), last).astype(np.float32)


def debevec(bracket: Bracket) -> FloatArray:
    """OpenCV: response by Debevec & Malik (1997), then their merge of log-radiance."""
    cv2 = load_cv2()
    return _calibrated(bracket, cv2.createCalibrateDebevec(), cv2.createMergeDebevec())


def robertson(bracket: Bracket) -> FloatArray:
    """OpenCV: response and merge by Robertson, Borman & Stevenson (2003).

    Where all frames are white OpenCV has no weight left and returns black, which nobody would
    keep: there the largest radiance of the picture stands in.
    """
    cv2 = load_cv2()
    merged = _calibrated(bracket, cv2.createCalibrateRobertson(), cv2.createMergeRobertson())
    holes = (merged <= 0) & (bracket.frames[0].pixels > 0.5)
    return np.where(holes, merged.max(), merged).astype(np.float32)


def mtb_debevec(bracket: Bracket) -> FloatArray:
    """:func:`debevec` after the outer frames were shifted onto the reference by MTB."""
    return debevec(align_by_mtb(bracket).bracket)


def mertens(bracket: Bracket) -> FloatArray:
    """OpenCV: exposure fusion (Mertens, Kautz & Van Reeth 2007), a picture in [0, 1]."""
    merger = load_cv2().createMergeMertens()
    fused: FloatArray = merger.process(_eight_bit(bracket))
    return np.clip(fused, np.float32(0), np.float32(1))


def _calibrated(bracket: Bracket, calibrate: Any, merge: Any) -> FloatArray:  # noqa: ANN401 - cv2 objects
    frames = _eight_bit(bracket)
    times = np.array(_relative(bracket), dtype=np.float32)
    # A scene may never show some code values; the curve there is NaN and has no weight.
    response = np.nan_to_num(calibrate.process(frames, times), nan=0.0, posinf=0.0, neginf=0.0)
    radiance = merge.process(frames, times, np.maximum(response, np.finfo(np.float32).tiny))
    finite: FloatArray = np.nan_to_num(radiance * np.float32(_CV2_ANCHOR), posinf=0.0)
    return np.maximum(finite, np.float32(0))


def _relative(bracket: Bracket) -> tuple[float, float, float]:
    """Exposures relative to the reference's."""
    short, middle, long = (bracket.ratios / bracket.ratios[1]).tolist()
    return short, middle, long


def _eight_bit(bracket: Bracket) -> list[NDArray[np.uint8]]:
    return [np.rint(frame.pixels * 255.0).clip(0, 255).astype(np.uint8) for frame in bracket.frames]
