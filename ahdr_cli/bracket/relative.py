"""Exposures relative to one another, and what counts as the same exposure."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fractions import Fraction

from ahdr_cli.errors import ExposureError, MissingExposureError
from ahdr_cli.images import Exposure, Frame

__all__ = ["EQUAL_EV", "exposures_of", "relative_exposures", "unequal_fields"]

EQUAL_EV = 1 / 12
"""Exposures closer than this, in EV, count as equal.

A quarter of the third of a stop in which cameras step; markings such as 1/60 for 1/64 are
off by up to 0.09 EV from the exact series, so that two steps that differ stay apart.
"""

_MAX_RATIO = Fraction(2) ** 64
"""Beyond any camera: from 1 ns to half a year is 2^54."""


def relative_exposures(exposures: Sequence[Exposure]) -> tuple[float, ...]:
    """Effective exposures in units of the shortest.

    Effective exposure is t · ISO / N². ISO or aperture that is unknown for any frame is
    taken to be equal for all. The arithmetic is exact, the results are rounded once: they
    depend neither on the order of the frames nor on a field that is equal for all.

    Args:
        exposures: at least one, in any order.

    Returns:
        One number ≥ 1 for each, in the order given; 1.0 for the shortest.

    Raises:
        ExposureError: none given, or further apart than any camera could take them.
    """
    return _relative(tuple(exposures))


@functools.lru_cache(maxsize=256)  # asked again and again of one bracket; fractions are slow
def _relative(exposures: tuple[Exposure, ...]) -> tuple[float, ...]:
    if not exposures:
        raise ExposureError("no exposures given, expected at least one")
    use_iso = all(e.iso is not None for e in exposures)
    use_aperture = all(e.f_number is not None for e in exposures)
    effective = [
        Fraction(e.seconds)
        * (Fraction(e.iso) if use_iso and e.iso is not None else 1)
        / (Fraction(e.f_number) ** 2 if use_aperture and e.f_number is not None else 1)
        for e in exposures
    ]
    shortest = min(effective)
    ratios = [value / shortest for value in effective]
    if max(ratios) > _MAX_RATIO:
        raise ExposureError(
            "exposures differ by more than 64 EV",
            hint="check their units: --exposures takes seconds, --ev takes stops",
        )
    return tuple(float(ratio) for ratio in ratios)


def exposures_of(frames: Sequence[Frame]) -> list[Exposure]:
    """The exposures of all frames.

    Raises:
        MissingExposureError: a frame has none.
    """
    exposures = []
    for frame in frames:
        if frame.exposure is None:
            raise MissingExposureError(
                "no exposure in this file" if frame.path else "no exposure",
                path=frame.name,
                hint="pass --exposures, --ev or --ev-file; in Python, Frame(pixels, Exposure(…))",
            )
        exposures.append(frame.exposure)
    return exposures


def unequal_fields(exposures: Sequence[Exposure]) -> tuple[str, ...]:
    """ISO or aperture, where it is unknown for some frames and differs among the others.

    :func:`relative_exposures` ignores such a field, which may be wrong.
    """
    found = []
    for label, values in (
        ("ISO", [e.iso for e in exposures]),
        ("aperture", [e.f_number for e in exposures]),
    ):
        if None in values and len(set(values)) > 2:
            found.append(label)
    return tuple(found)
