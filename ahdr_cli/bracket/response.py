"""The camera's response curve, found in a bracket itself.

The network takes values for light to the power of 1/2.2, as Kalantari & Ramamoorthi (2017) and
Yan et al. (2019) do, whose pictures were made so from raw files. The pictures that cameras make
have a toe and a shoulder, and with 2.2 two of their frames tell different radiances of the same
place: on eight real brackets they were 0.6 to 2.1 EV apart (median).

Where k-th brightest pixels of two frames are, the same light fell, as long as both show nearly
the same scene. So histograms suffice (Grossberg & Nayar, "Determining the Camera Response from
Images: What Is Knowable?", PAMI 2003), and neither shake nor small moving things matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.bracket import Bracket
from ahdr_cli.images import FloatArray
from ahdr_cli.radiometry.response import ResponseCurve, curve_terms

__all__ = ["ResponseEstimate", "estimate_response", "least_errors", "median_ev", "sorted_sample"]

_SAMPLES = 80_000  # pixels looked at in a frame, about
_WHITE = np.float32(65535)  # of 16 bits; all levels of 8 bits are among these
_QUANTILES = 200
_FEWEST = 60
"""Pairs of quantiles below which nothing is concluded, from all frames or for one step."""

_NOT_BLACK, _NOT_WHITE = 0.03, 0.92
"""Encoded values within which a quantile is neither noise and flare nor clipped."""

_ROBUST = 0.15
"""Error (natural logarithm of light) from which on a pair of quantiles counts less."""

_PULL = 2e-4
"""Weight of the assumed curve, as a share of the pairs: decides what the pairs leave open."""

_ROUNDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseEstimate:
    """A curve, and how well it makes the frames agree.

    Attributes:
        curve: that fits the frames best.
        steps: factors of light from short to reference and from reference to long, as seen in
            the frames, whose shutters and apertures are not exactly what they say; as recorded
            where too little is seen.
        assumed_ev: by how many stops the frames tell different light with γ 2.2, median.
        fitted_ev: the same with `curve`.
    """

    curve: ResponseCurve
    steps: tuple[float, float]
    assumed_ev: float
    fitted_ev: float


def estimate_response(bracket: Bracket) -> ResponseEstimate | None:
    """Find the curve of the camera that took a bracket.

    Returns:
        None if the frames have too few values in common that are neither black nor clipped.
    """
    ratios = bracket.ratios
    quantiles = [_quantiles(frame.pixels) for frame in bracket.frames]
    pairs = [_pairs(quantiles[i], quantiles[i + 1]) for i in range(2)]
    darker, brighter = np.concatenate(pairs).T
    if len(darker) < _FEWEST:
        return None
    steps = ratios[1:] / ratios[:-1]
    gain = np.repeat(steps, [len(pair) for pair in pairs])
    # ln x(brighter) - ln x(darker) = ln gain, linear in the three coefficients.
    terms = curve_terms(brighter) - curve_terms(darker)
    assumed = np.array([ResponseCurve().gamma, 0.0, 0.0])
    apart = np.log(gain) - terms @ assumed
    found = assumed + least_errors(terms, apart)
    gamma, linear, square = found.tolist()
    seen = np.split(terms @ found, [len(pairs[0])])
    short, long = (
        float(np.exp(np.median(logs))) if len(logs) >= _FEWEST else float(step)
        for logs, step in zip(seen, steps, strict=True)
    )
    return ResponseEstimate(
        curve=ResponseCurve(gamma=gamma, linear=linear, square=square),
        steps=(short, long),
        assumed_ev=median_ev(apart),
        fitted_ev=median_ev(np.log(gain) - terms @ found),
    )


def _pairs(darker: NDArray[np.float64], brighter: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2): values of two frames for the same light, where they tell something."""
    # Of frames whose exposures are wrong the brighter one may be the darker.
    told = (np.minimum(darker, brighter) > _NOT_BLACK) & (brighter < _NOT_WHITE)
    return np.stack((darker[told], brighter[told]), axis=1)


def _quantiles(pixels: FloatArray) -> NDArray[np.float64]:
    """(3 · `_QUANTILES`,) values, of each channel the same quantiles."""
    values = sorted_sample(pixels)
    places = ((np.arange(_QUANTILES) + 0.5) / _QUANTILES * len(values)).astype(np.int64)
    return values[places].astype(np.float64).ravel()


def sorted_sample(pixels: FloatArray) -> FloatArray:
    """(n, 3): some 80,000 pixels of a frame (H, W, 3), the values of each channel sorted."""
    height, width = pixels.shape[:2]
    step = max(round((height * width / _SAMPLES) ** 0.5), 1)
    sample = np.ascontiguousarray(pixels[::step, ::step].reshape(-1, 3).T)
    # What photographs of 8 and 16 bits store; such numbers are sorted in a tenth of the time.
    levels = (sample * _WHITE + np.float32(0.5)).astype(np.uint16)
    if np.array_equal(np.divide(levels, _WHITE, dtype=np.float32), sample):
        levels.sort(axis=1, kind="stable")  # by radix
        return np.divide(levels, _WHITE, dtype=np.float32).T
    return np.sort(sample, axis=1).T


def least_errors(terms: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients of least absolute (where small: squared) errors, by reweighting.

    Args:
        terms: (n, k), what each is multiplied with.
        wanted: (n,) sums, natural logarithms of light.
    """
    weights = np.ones(len(terms))
    pull = _PULL * len(terms) * np.eye(terms.shape[1])
    found = np.zeros(terms.shape[1])
    for _ in range(_ROUNDS):
        weighted = terms.T * weights
        found = np.linalg.solve(weighted @ terms + pull, weighted @ wanted).astype(np.float64)
        weights = 1.0 / np.sqrt(1.0 + np.square((wanted - terms @ found) / _ROBUST))
    return found


def median_ev(errors: NDArray[np.float64]) -> float:
    """Median size in stops of errors of light, which are natural logarithms."""
    return float(np.median(np.abs(errors)) / np.log(2.0))
