"""`ResponseCurve`: what a camera makes of light, and what light made of its values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["ResponseCurve", "curve_terms", "shoulder_term"]

_DARKEST = 1e-5  # encoded; ln 0 is none
_STEPS = 4096
_KNEE = 0.8
"""Encoded value from which on a shoulder bends the curve. From 0.82 to 0.97 the square of the
distance from here explains what real cameras' curves lack there (``benchmarks/response.md``)."""

_SEEN = (0.03, 0.92)
"""Encoded values that tell light: below there is noise and flare, above is what is clipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseCurve:
    """The curve between the light x of a pixel and its encoded value e, both 1 at white.

    ::

        ln x = gamma · ln e + linear · (e - 1) + square · (e² - 1) + shoulder · (s² - 1)
        s = max(e - 0.8, 0) / 0.2

    With `gamma` alone it is the assumed curve e = x^(1/γ). The other two terms make the toe and
    the shoulder of a camera's picture. Mitsunaga & Nayar ("Radiometric Self Calibration", CVPR
    1999) take a polynomial for x; one for its logarithm keeps light positive, and the relative
    error of light, which is what can be seen, is linear in the coefficients.

    Attributes:
        gamma: slope in the shadows.
        linear: further slope.
        square: further slope near white.
        shoulder: slope of the last fifth below white alone, ≥ 0: the last values of many cameras
            hold a stop more of light than the other terms tell.
    """

    gamma: float = GAMMA
    linear: float = 0.0
    square: float = 0.0
    shoulder: float = 0.0

    @property
    def rises(self) -> bool:
        """Whether more light always makes a larger value, so that it has an inverse."""
        e = np.linspace(0.0, 1.0, _STEPS)
        # The derivative of ln x, times e, without the shoulder, which only rises.
        return bool((self.gamma + self.linear * e + 2.0 * self.square * e * e > 0.0).all())

    def decode(self, encoded: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values in [0, 1] → light in [0, 1]; black is a little above 0."""
        light: NDArray[np.float64] = np.exp(self._log_light(np.maximum(encoded, _DARKEST)))
        return light

    def encode(self, light: NDArray[np.float64]) -> NDArray[np.float64]:
        """Light ≥ 0 → values in [0, 1], white for all light above 1. Needs a curve that rises."""
        encoded = np.linspace(0.0, 1.0, _STEPS + 1) ** 2  # finer in the shadows
        encoded[0] = _DARKEST
        places = self._log_light(encoded)
        least = np.exp(places[0])
        found: NDArray[np.float64] = np.interp(np.log(np.maximum(light, least)), places, encoded)
        return found

    def apart_ev(self, stops: float = 2.0) -> float:
        """How far frames so many stops apart differ in light, in stops, if γ 2.2 is assumed.

        The median over encoded values evenly spaced in the darker frame, of those that are neither
        nearly black there nor clipped in the brighter one. Needs a curve that rises.
        """
        darker = np.linspace(*_SEEN, _STEPS // 8)
        brighter = self.encode(self.decode(darker) * 2.0**stops)
        seen = brighter < _SEEN[1]
        told = GAMMA * np.log2(brighter[seen] / darker[seen])
        return float(np.median(np.abs(told - stops))) if seen.any() else 0.0

    def _log_light(self, encoded: NDArray[np.float64]) -> NDArray[np.float64]:
        curve: NDArray[np.float64] = curve_terms(encoded) @ (self.gamma, self.linear, self.square)
        return curve + self.shoulder * (shoulder_term(encoded) - 1.0)


def curve_terms(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) encoded values above 0 → (n, 3): what gamma, linear and square are multiplied with."""
    return np.stack((np.log(encoded), encoded - 1.0, encoded * encoded - 1.0), axis=1)


def shoulder_term(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a shoulder is multiplied with, from 0 below it to 1 at white; of the same shape."""
    term: NDArray[np.float64] = np.square(np.maximum(encoded - _KNEE, 0.0) / (1.0 - _KNEE))
    return term
