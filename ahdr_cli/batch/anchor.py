"""One radiometric anchor for all sets of a batch.

A merged file has 1.0 = the white of its own reference frame. A frame of effective exposure
H = 2^ev (`Exposure.ev`, larger is brighter) is white where the scene's radiance is k / H, with
the same k for one camera. So a pixel of value v shows the radiance v · k / 2^ev, and

    v' = v · 2^(reference_ev - ev)

is that radiance in units of k / 2^reference_ev: the white of a frame that would have been
exposed at `reference_ev`. Equal radiance has equal v' in all sets. A set whose reference frame
was exposed longer (larger ev: a dark scene) is scaled down more, as it must be.

`ev` counts shutter time, ISO and aperture; what a file does not tell counts as ISO 100 and f/1,
so that sets are comparable only if they tell the same. In terms of a light meter,
ev = -EV100.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ahdr_cli.bracket import Bracket
from ahdr_cli.images import Exposure, HdrImage

__all__ = ["anchor_warning", "anchored", "offset_ev"]


def offset_ev(reference: Exposure, reference_ev: float) -> float:
    """Stops to brighten a set by so that 1.0 means the white at `reference_ev`.

    Args:
        reference: of the set's reference frame.
        reference_ev: the common exposure in EV.
    """
    return reference_ev - reference.ev


def anchored(image: HdrImage, offset: float) -> HdrImage:
    """The image brightened by `offset` stops; exact in float32 if that is a whole number."""
    return replace(image, pixels=image.pixels * np.float32(2.0**offset))


def anchor_warning(bracket: Bracket) -> str | None:
    """Why the absolute exposure of a set is not certain, or None."""
    exposure = bracket.reference.exposure
    assert exposure is not None  # a bracket has exposures
    unknown = [
        name
        for name, value in (("ISO", exposure.iso), ("aperture", exposure.f_number))
        if value is None
    ]
    if not unknown:
        return None
    return (
        f"{' and '.join(unknown)} unknown: the common brightness scale takes ISO 100 and f/1, "
        "as for all files that do not tell"
    )
