"""A small deviation of the camera's curve from γ 2.2, found in blocks that did not move.

Histograms tell curves that are far from γ 2.2 (:mod:`ahdr_cli.bracket.response`); what is nearer
than some tenths of a stop drowns in what moves. Blocks in which two frames differ by no more than
noise, but for a constant, show the same thing, and the constant is the curve's, or that of
exposures that are not quite those recorded. Which of the two it is, only a prior can tell
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
"""Blocks whose difference takes so many times the bracket's noise to explain it show something
else."""

_FEWEST = 20
"""Blocks below which a pair of frames says nothing."""

_BINS = 20
"""Of encoded brightness. Each counts alike, or a sky would decide for all."""

_SCATTER = 0.03
"""Error of a block (natural logarithm of light) from which on it counts less: small motion in
places without texture, which no comparison of two frames finds."""

_INDEPENDENT = 10.0
"""Blocks of a pair that are worth as much as so many independent ones: neighbours share causes."""

_CURVE = 0.012
"""Deviation of encoded values that is expected of a curve near γ 2.2, root mean square."""

_EXPOSURE = 0.03
"""Error that is expected of a recorded exposure, natural logarithm: shutters of nominally 1/60 s
are open for 1/64 s."""

_ROUNDS = 15

_CAP = 0.3
"""Error that counts at most where a fit is judged."""

_BETTER = 1.25
"""How many times nearer to each other (root mean square) the frames must come for a curve to be
believed."""


class _Equations(NamedTuple):
    """One for each channel of a block.

    Attributes:
        terms: (n, 5) of three coefficients of the curve and two of the exposures.
        apart: (n,) light (natural logarithm) that the frames differ by with γ 2.2.
        shares: (n,) what each counts.
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
        None if there is none, or the frames do not tell.
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
    """What a pair of frames says; nothing if too few of its blocks are alike.

    Args:
        pair: of frames.
        noise: of the bracket.
        exposure: (2,) terms of the errors of both steps of exposure.
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
    # A pure colour has channels without any light, and they tell nothing.
    lit: NDArray[np.float64] = values[values.min(axis=1) > 0]
    return lit ** (1.0 / GAMMA)


def _shares(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,): what each value counts, in all as much as `_INDEPENDENT` values."""
    bins = np.minimum((encoded * _BINS).astype(np.int64), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    shares: NDArray[np.float64] = 1.0 / np.maximum(counts[bins], _FEWEST)
    if len(shares):
        shares *= _INDEPENDENT / shares.sum()
    return shares


def _fit(
    terms: NDArray[np.float64], apart: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(5,): three coefficients of the curve and two of the exposures, by reweighting.

    The most likely ones, if errors are Cauchy's.
    """
    places = (np.arange(50) + 0.5) / 50
    # A deviation d of an encoded value e changes the logarithm of light by γ · d / e.
    deviation = curve_terms(places) * (places / GAMMA / _CURVE)[:, None]
    prior = np.diag([0.0, 0.0, 0.0, _EXPOSURE**-2, _EXPOSURE**-2])
    prior[:3, :3] = 3.0 * deviation.T @ deviation / len(places)
    found = np.zeros(len(prior))
    weights = shares / _SCATTER**2
    for _ in range(_ROUNDS):
        weighted = terms.T * weights
        found = np.linalg.solve(weighted @ terms + prior, weighted @ apart).astype(np.float64)
        errors = (apart - terms @ found) / _SCATTER
        weights = shares / _SCATTER**2 / (1.0 + errors**2)
    return found


def _capped(errors: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """Root mean square, in which no error counts too much."""
    return float(np.sqrt(np.average(np.minimum(np.abs(errors), _CAP) ** 2, weights=shares)))
