"""`Recipe`: the mixture from which synthetic brackets are drawn, as plain numbers.

Where a number comes from: exposure placement, spacing, misalignment and noise ranges follow
published synthetic training sets (S2R-HDR, Kalantari & Ramamoorthi 2017) and measurements on
hand-held sets after alignment; shares of static samples were chosen so that the network keeps
an exact answer where nothing moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from ahdr_cli.errors import UsageError

__all__ = ["KINDS", "Recipe"]

KINDS = ("static", "tripod-motion", "handheld", "handheld-motion")
"""What moves: nothing; objects only; the camera only; both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Shares and ranges. Pixels are output pixels, stops are log2.

    Attributes:
        kinds: share of each of `KINDS`.
        percentile: of the scene brightness at which the shortest frame's white is placed.
        dimmer: share of samples exposed shorter than that, by up to `dimmer_stops`.
        brighter: share exposed longer, by up to `brighter_stops`, so that even the
            shortest frame clips.
        contrast_share: share of samples whose scene is made harder or softer,
        contrast: by an exponent in this range.
        common_spacing: share of samples with exactly 2 EV between frames.
        spacing: range of all others, in EV.
        uneven: share of those in which the two steps differ.
        exposure_error: σ in stops of the outer frames' true against recorded exposure,
            in a third of the samples that move.
        shift, tilt: σ of the camera shake left after alignment, pixels and degrees.
        layers: share of samples with 1, 2, 3 moving objects, where any move.
        displacement: range of object motion between neighbouring frames, pixels.
        brightness: σ of an object's brightness against its surroundings, stops.
        clipped_anchor: share of objects whose path is led across a region that the
            reference clips.
        shot_noise: range of a in variance = a·x + b, in units of the frame's white.
        read_noise: range of √b.
        response: σ of the tone curve's deviation from γ 2.2, in encoded units at mid tone.
        response_share: share of samples whose tone curve deviates at all.
    """

    kinds: tuple[float, float, float, float] = (0.22, 0.15, 0.12, 0.51)
    percentile: tuple[float, float] = (0.97, 0.999)
    dimmer: float = 0.33
    dimmer_stops: float = 4.0
    brighter: float = 0.12
    brighter_stops: float = 1.5
    contrast_share: float = 0.4
    contrast: tuple[float, float] = (0.85, 1.5)
    common_spacing: float = 0.55
    spacing: tuple[float, float] = (1.0, 3.3)
    uneven: float = 0.35
    exposure_error: float = 0.04
    shift: float = 1.5
    tilt: float = 0.2
    layers: tuple[float, float, float] = (0.5, 0.3, 0.2)
    displacement: tuple[float, float] = (3.0, 60.0)
    brightness: float = 1.0
    clipped_anchor: float = 0.7
    shot_noise: tuple[float, float] = (1e-6, 1e-3)
    read_noise: tuple[float, float] = (5e-5, 3e-3)
    response: float = 0.012
    response_share: float = 0.45

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            numbers = value if isinstance(value, tuple) else (value,)
            if not all(math.isfinite(number) for number in numbers):
                raise UsageError(f"recipe.{field.name} must be finite, got {value}")
            if field.name in _SHARES and not (min(numbers) >= 0 and sum(numbers) > 0):
                raise UsageError(
                    f"recipe.{field.name} must be shares of 0 or more, not all 0, got {value}"
                )
            if field.name in _RANGES:
                low, high = _RANGES[field.name]
                first, last = value
                if not low <= first <= last <= high:
                    raise UsageError(
                        f"recipe.{field.name} must rise within {low:g} to {high:g}, got {value}"
                    )
            elif field.name not in _SHARES:
                high = _LARGEST.get(field.name, 1.0)
                if not 0 <= value <= high:
                    raise UsageError(
                        f"recipe.{field.name} must lie within 0 and {high:g}, got {value}"
                    )


_SHARES = ("kinds", "layers")

_RANGES = {
    "percentile": (0.0, 1.0),
    "contrast": (0.1, 10.0),
    "spacing": (0.1, 8.0),
    "displacement": (0.01, 10_000.0),
    "shot_noise": (1e-12, 1.0),
    "read_noise": (1e-12, 1.0),
}
"""What a range may span. Those that are drawn by their logarithm cannot begin at 0."""

_LARGEST = {
    "dimmer_stops": 16.0,
    "brighter_stops": 16.0,
    "exposure_error": 4.0,
    "shift": 1000.0,
    "tilt": 180.0,
    "brightness": 16.0,
}
"""Of numbers that are no shares."""
