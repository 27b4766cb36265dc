"""The shoulder of a camera's curve, found where a brighter frame is nearly white.

A curve with three coefficients is found from where most of the picture is
(:mod:`ahdr_cli.bracket.response`), and says little of the last values below white, in which many
cameras put a stop more of light. What is nearly white in one frame is well exposed in the darker
one, so that the curve itself tells how much light that was.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.bracket import Bracket
from ahdr_cli.bracket.response import ResponseEstimate, least_errors, sorted_sample
from ahdr_cli.radiometry.response import shoulder_term

__all__ = ["estimate_shoulder"]

_LEVELS = np.linspace(0.82, 0.97, 31)
"""Encoded values of the brighter frame. Above, JPEG's ringing makes values of what is clipped."""

_WIDTH = 0.004  # values so near to a level count as it: that of 8 bits
_LEAST = 5  # of them, below which a level tells nothing
_DARKER = (0.03, 0.92)  # values of the darker frame that are neither noise nor nearly white
_FEWEST = 40  # levels of all channels, below which a step between two frames tells nothing
_LEAST_SHOULDER, _MOST = 0.1, 2.0
"""Of a shoulder. Smaller ones are as likely another error; real ones are up to 1."""

_ALIKE = 1.75
"""Times as large the shoulder of one step may be as that of the other. It is 1.5 in a lamp's glow,
and 2.1 where leaves move before the sky, whose edges a steep curve would give coloured fringes."""

_BETTER = 1.25  # times nearer the frames must be with it, median


def estimate_shoulder(bracket: Bracket, estimate: ResponseEstimate) -> float:
    """How much the curve that was found lacks near white.

    What moved looks like a shoulder, too, but hardly like the same one in both steps from frame to
    frame. So both must tell of one, and of about the same.

    Args:
        bracket: as photographed.
        estimate: of its curve, without a shoulder.

    Returns:
        :attr:`ResponseCurve.shoulder`; 0 if the frames tell of none.
    """
    samples = [sorted_sample(frame.pixels).astype(np.float64) for frame in bracket.frames]
    told = [_lacking(samples[step], samples[step + 1], estimate, step=step) for step in range(2)]
    if min(len(terms) for terms, _ in told) < _FEWEST:
        return 0.0
    found = [float(least_errors(terms[:, None], lacking)[0]) for terms, lacking in told]
    if not _LEAST_SHOULDER < max(found) <= min(found) * _ALIKE:
        return 0.0
    mean = min(sum(found) / 2, _MOST)
    before, after = (
        float(np.median(np.abs(np.concatenate([b - shoulder * a for a, b in told]))))
        for shoulder in (0.0, mean)
    )
    return mean if after * _BETTER < before else 0.0


def _lacking(
    darker: NDArray[np.float64],
    brighter: NDArray[np.float64],
    estimate: ResponseEstimate,
    *,
    step: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of the levels of all channels: the term of a shoulder, and ln light that the curve lacks.

    Args:
        darker: (n, 3) values of a frame, sorted.
        brighter: (n, 3) those of the next one.
        estimate: of the curve.
        step: from short to reference 0, from reference to long 1.
    """
    pairs = [_same_light(darker[:, channel], brighter[:, channel]) for channel in range(3)]
    level, same = np.concatenate(pairs, axis=1)
    curve = estimate.curve
    lacking = np.log(curve.decode(same) * estimate.steps[step] / curve.decode(level))
    return shoulder_term(level) - shoulder_term(same), lacking


def _same_light(darker: NDArray[np.float64], brighter: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, n): levels of the brighter frame and the darker one's values for the same light."""
    first, end = (np.searchsorted(brighter, _LEVELS + by) for by in (-_WIDTH, _WIDTH))
    # As many pixels are brighter in the one frame as in the other.
    same = darker[np.minimum((first + end) // 2, len(darker) - 1)]
    told = (end - first >= _LEAST) & (same > _DARKER[0]) & (same < _DARKER[1])
    return np.stack((_LEVELS[told], same[told]))
