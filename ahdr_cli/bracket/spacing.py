"""The exposure spacing that networks are trained on.

Outside that range a network still runs, with less certainty.
"""

from __future__ import annotations

__all__ = ["TRAINED_SPACING_EV", "outside_range"]

TRAINED_SPACING_EV = (1.0, 3.3)
"""Smallest and largest step between neighbouring frames, in EV, that training covers by default."""

_TOLERANCE_EV = 0.1
"""Rounded shutter times (1/30, 1/60, 1/125) are off by this much and mean a whole step."""


def outside_range(step: float, trained_ev: tuple[float, float]) -> float:
    """How far a spacing lies outside the trained range, in EV; 0 inside.

    Rounding of shutter times is forgiven.
    """
    low, high = trained_ev
    excess = max(low - step, step - high)
    return excess if excess > _TOLERANCE_EV else 0.0
