"""A small deviation of the camera's curve from γ 2.2, found in blocks that did not move.

Curves that are far from γ 2.2 are found from histograms (:mod:`ahdr_cli.bracket.response`), but a
deviation of less than some tenths of a stop is lost in what moves. Blocks in which two frames
differ by no more than noise, apart from a constant, show the same thing. The constant comes from
the curve, or from exposures that are not quite those recorded; only a prior can tell these apart
(Grossberg & Nayar, "Determining the Camera Response from Images: What Is Knowable?", PAMI 2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.blocks import PairBlocks
from ahdr_cli.bracket.response import ResponseEstimate, median_ev
from ahdr_cli.radiometry.response import ResponseCurve, curve_terms
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["estimate_deviation"]

_ALIKE = 3.0
"""Blocks that differ by more than so many times the bracket's noise show something else."""

_FEWEST = 20
"""Least number of blocks for which a pair of frames is used."""

_BINS = 20
"""Bins of encoded brightness. Each has the same weight, or a large sky would decide alone."""

_SCATTER = 0.03
"""Error of a block (natural logarithm of light) from which on it counts less: small motion where
there is no texture escapes the comparison of the frames."""

_INDEPENDENT = 10.0
"""All blocks of a pair weigh as much as so many independent ones: neighbours share their errors."""

_CURVE = 0.012
"""Prior: root mean square deviation of encoded values of a curve near γ 2.2."""

_EXPOSURE = 0.03
"""Prior: error of a recorded exposure, natural logarithm. Shutters of nominally 1/60 s are open
for 1/64 s."""

_ROUNDS = 15

_CAP = 0.3
"""Larger errors count as this one where a fit is judged."""

_BETTER = 1.25
"""By what factor a curve must lower the frames' root mean square difference to be accepted."""


class _Equations(NamedTuple):
    """Linear equations, one for each channel of a block: ``terms @ unknowns = apart``.

    Attributes:
        terms: (n, 5) factors of three coefficients of the curve and of two exposures' errors.
        apart: (n,) difference of the frames with γ 2.2, natural logarithm of light.
        shares: (n,) weights.
    """

    terms: NDArray[np.float64]
    apart: NDArray[np.float64]
    shares: NDArray[np.float64]


def estimate_deviation(
    pairs: Sequence[PairBlocks], ratios: NDArray[np.float64], *, noise: float
) -> ResponseEstimate | None:
    """Find a curve near γ 2.2 with which the frames agree clearly better.

    Args:
        pairs: short and reference, reference and long.
        ratios: (3,) exposures relative to the shortest.
        noise: of the bracket.

    Returns:
        None if there is none, or too few blocks are alike.
    """
    steps = ratios[1:] / ratios[:-1]
    parts = [
        _equations(pair, noise, exposure=exposure, step=step)
        for pair, exposure, step in zip(pairs, -np.eye(len(steps)), steps.tolist(), strict=True)
    ]
    terms, apart, shares = (np.concatenate(each) for each in zip(*parts, strict=True))
    if not len(apart):
        return None
    found = _fit(terms, apart, shares)
    left = apart - terms @ found
    gamma, linear, square = found[:3].tolist()
    curve = ResponseCurve(gamma=GAMMA + gamma, linear=linear, square=square)
    if _capped(apart, shares) < _BETTER * _capped(left, shares) or not curve.rises:
        return None
    first, second = (steps * np.exp(found[3:])).tolist()
    return ResponseEstimate(
        curve=curve,
        steps=(first, second),
        assumed_ev=median_ev(apart),
        fitted_ev=median_ev(left),
    )


def _equations(
    pair: PairBlocks, noise: float, *, exposure: NDArray[np.float64], step: float
) -> _Equations:
    """The equations of a pair of frames; none if too few of its blocks are alike.

    Args:
        pair: of frames.
        noise: of the bracket.
        exposure: (2,) factors of the errors of both steps of exposure.
        step: of this pair, as recorded.
    """
    dark, bright = _encoded(pair, noise).T
    if len(dark) < 3 * _FEWEST:  # three channels
        dark, bright = dark[:0], bright[:0]
    curve = curve_terms(bright) - curve_terms(dark)
    return _Equations(
        terms=np.hstack((curve, np.tile(exposure, (len(dark), 1)))),
        apart=np.log(step) - GAMMA * curve[:, 0],
        shares=_shares(dark),
    )


def _encoded(pair: PairBlocks, noise: float) -> NDArray[np.float64]:
    """(n, 2): values of the same light in the darker and in the brighter frame."""
    alike = pair.light[pair.noise < _ALIKE * noise]
    values: NDArray[np.float64] = alike.swapaxes(1, 2).reshape(-1, 2).astype(np.float64)
    # A pure colour has channels without any light, whose logarithm there is not.
    lit: NDArray[np.float64] = values[values.min(axis=1) > 0]
    return lit ** (1.0 / GAMMA)


def _shares(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) weights with the sum `_INDEPENDENT`, so that each bin of brightness counts alike."""
    bins = np.minimum((encoded * _BINS).astype(np.int64), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    shares: NDArray[np.float64] = 1.0 / np.maximum(counts[bins], _FEWEST)
    if len(shares):
        shares *= _INDEPENDENT / shares.sum()
    return shares


def _fit(
    terms: NDArray[np.float64], apart: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(5,): three coefficients of the curve and two errors of the exposures.

    The most likely ones if errors have a Cauchy distribution, by iteratively reweighted least
    squares with the priors.
    """
    encoded = (np.arange(50) + 0.5) / 50
    # A deviation d of an encoded value e changes the logarithm of light by γ · d / e.
    deviation = curve_terms(encoded) * (encoded / GAMMA / _CURVE)[:, None]
    prior = np.diag([0.0, 0.0, 0.0, _EXPOSURE**-2, _EXPOSURE**-2])
    prior[:3, :3] = 3.0 * deviation.T @ deviation / len(encoded)
    found = np.zeros(len(prior))
    shares = shares / _SCATTER**2
    weights = shares
    terms = np.ascontiguousarray(terms.T)  # numpy is fast along a long last axis
    for _ in range(_ROUNDS):
        # `dot` computes outside Python's lock, `@` within.
        weighted = terms * weights
        left, right = np.dot(weighted, terms.T) + prior, np.dot(weighted, apart)
        found = np.linalg.solve(left, right).astype(np.float64)
        errors = (apart - np.dot(found, terms)) / _SCATTER
        weights = shares / (1.0 + errors**2)
    return found


def _capped(errors: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """Root mean square of errors, each capped at `_CAP`."""
    return float(np.sqrt(np.average(np.minimum(np.abs(errors), _CAP) ** 2, weights=shares)))
