"""The last fraction of a pixel of a registration, on large pictures.

Gauss-Newton steps with steepest-descent images that are computed once (Baker & Matthews,
"Lucas-Kanade 20 Years On", IJCV 2004, section 3.2, the inverse compositional algorithm), on the
pixels that tell most. They are reweighted so as to lower the mean truncated
difference: what moves by itself has no say, and noise no more than it must.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.motion import RigidMotion
from ahdr_cli.bracket.pair import TRUNCATED, Mask, Pair
from ahdr_cli.images import FloatArray

__all__ = ["polished"]

_STEPS = 12  # at most
_SMALLEST_STEP = 0.01  # pixels at the picture's corner, at which it is good enough
_TELLING = 0.75  # quantile of the gradient above which a pixel tells something of the motion
_LEAST = 100  # pixels that must do so
_EQUAL = np.float32(0.05)  # log difference below which all pixels weigh the same


def polished(pair: Pair, begin: RigidMotion) -> RigidMotion:
    """A motion near `begin` that the pictures agree on better, else `begin`.

    Args:
        pair: what to register.
        begin: right within about two pixels.
    """
    descent = _Descent.of(pair, begin)
    if descent.places.size < _LEAST:
        return begin
    motion = begin
    for _ in range(_STEPS):
        where = pair.usable(motion)
        step = descent.step(pair.difference(motion, where=where), where=where)
        if step is None:
            break
        motion = motion.after(step)
        if step.displacement(pair.fixed.shape) < _SMALLEST_STEP:
            break
    where = pair.usable(begin) & pair.usable(motion)
    return min((motion, begin), key=lambda each: pair.disagreement(each, where=where))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Descent:
    """How the pictures change with a small motion about their centre.

    Attributes:
        places: (n,) indices into the flattened picture.
        fixed, moving: (3, n) float32, derivatives there by rotation (a pixel at `radius`), by x
            and by y, of the reference and of the other picture seen from it. Their noise is
            independent, so their product does not grow by it, and steps do not shrink.
        centre: (x, y) of rotation.
        radius: half the diagonal, in pixels.
    """

    places: NDArray[np.intp]
    fixed: FloatArray
    moving: FloatArray
    centre: tuple[float, float]
    radius: float

    @classmethod
    def of(cls, pair: Pair, motion: RigidMotion) -> _Descent:
        """That after `motion` is undone, where the reference's gradient is strong."""
        cv2 = pair.cv2
        height, width = pair.fixed.shape
        # Scharr's derivative is 32 for a slope of one.
        fixed, moving = (
            [cv2.Scharr(image, cv2.CV_32F, *order, scale=1 / 32) for order in ((1, 0), (0, 1))]
            for image in (pair.fixed, pair.undo(pair.moving, motion))
        )
        slope = cv2.magnitude(*fixed)
        usable = pair.usable(motion) > 0
        least = np.quantile(slope[usable], _TELLING) if usable.any() else 0.0
        places = np.flatnonzero(usable & (slope > least))
        centre = ((width - 1) / 2, (height - 1) / 2)
        radius = math.hypot(*centre)
        y, x = np.divmod(places, width)

        def derivatives(slopes: list[FloatArray]) -> FloatArray:
            gx, gy = (slope.ravel()[places] for slope in slopes)
            turning = ((x - centre[0]) * gy - (y - centre[1]) * gx) / radius
            return np.stack((turning, gx, gy)).astype(np.float32)

        return cls(
            places=places,
            fixed=derivatives(fixed),
            moving=derivatives(moving),
            centre=centre,
            radius=radius,
        )

    def step(self, difference: FloatArray, *, where: Mask) -> RigidMotion | None:
        """The motion to be done first, before the present one; None where all is alike."""
        error = difference.ravel()[self.places]
        size = np.abs(error)
        counts = where.ravel()[self.places] & (size < TRUNCATED)
        # Least squares with these weights lowers the sum of absolute values.
        weighted = self.fixed * (counts / np.maximum(size, _EQUAL))
        try:
            turn, x, y = np.linalg.solve(
                (weighted @ self.moving.T).astype(np.float64), weighted @ error
            )
        except np.linalg.LinAlgError:
            return None
        return RigidMotion.about(self.centre, radians=turn / self.radius, shift=(x, y))
