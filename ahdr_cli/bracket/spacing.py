"""What a valid bracket may still be warned about, as data: nothing here prints.

The warning on spacing rests on the range that the weights were trained on; outside it the
network still runs, with less certainty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ahdr_cli.bracket.relative import exposures_of, unequal_fields

if TYPE_CHECKING:
    from ahdr_cli.bracket.bracket import Bracket
    from ahdr_cli.images import Frame

__all__ = ["TRAINED_SPACING_EV", "Concern", "bracket_concerns", "outside_range"]

TRAINED_SPACING_EV = (1.0, 3.3)
"""Smallest and largest step between neighbouring frames, in EV, that training covers."""

_DARKER = 0.02
"""Of white, by which a longer exposure must be darker before anybody is bothered."""

_GRID = 200  # rows or columns of pixels that brightness is taken of, about

_TOLERANCE_EV = 0.1
"""Rounded shutter times (1/30, 1/60, 1/125) are off by this much and mean a whole step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """A reason to look twice at the result.

    Attributes:
        code: what it is about, for programs.
        message: one line for people.
        frames: the names of the frames concerned.
    """

    code: Literal["spacing-small", "spacing-large", "field-ignored", "darker"]
    message: str
    frames: tuple[str, ...]


def outside_range(step: float, trained_ev: tuple[float, float]) -> float:
    """How far a spacing lies outside the trained range, in EV; 0 inside.

    Rounding of shutter times is forgiven.
    """
    low, high = trained_ev
    excess = max(low - step, step - high)
    return excess if excess > _TOLERANCE_EV else 0.0


def bracket_concerns(
    bracket: Bracket, *, trained_ev: tuple[float, float] = TRAINED_SPACING_EV
) -> tuple[Concern, ...]:
    """Everything unusual about a valid bracket.

    Args:
        bracket: to be looked at.
        trained_ev: smallest and largest spacing that the model was trained on, in EV.
    """
    concerns: list[Concern] = []
    for i, step in enumerate(bracket.spacing_ev):
        pair = (bracket.frames[i].name, bracket.frames[i + 1].name)
        if outside_range(step, trained_ev) > 0:
            message = (
                f"{pair[0]} and {pair[1]} are {step:.1f} EV apart; "
                f"the model was trained on {trained_ev[0]:g} to {trained_ev[1]:g} EV"
            )
            concerns.append(
                Concern(
                    code="spacing-small" if step < trained_ev[0] else "spacing-large",
                    message=message,
                    frames=pair,
                )
            )
        if _brightness(bracket.frames[i + 1]) < _brightness(bracket.frames[i]) - _DARKER:
            message = (
                f"{pair[1]} had {step:.1f} EV more light than {pair[0]}, and is darker; "
                "check the exposures: flags follow the order of the files"
            )
            concerns.append(Concern(code="darker", message=message, frames=pair))
    names = tuple(frame.name for frame in bracket.frames)
    for label in unequal_fields(exposures_of(bracket.frames)):
        message = f"{label} differs but is not known for every frame, so it was ignored"
        concerns.append(Concern(code="field-ignored", message=message, frames=names))
    return tuple(concerns)


def _brightness(frame: Frame) -> float:
    """Mean encoded value, of pixels on a grid."""
    step = max(1, min(frame.size) // _GRID)
    return float(frame.pixels[::step, ::step].mean())
