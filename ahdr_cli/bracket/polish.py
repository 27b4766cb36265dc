"""Refinement of a registration to a small fraction of a pixel.

Gauss-Newton steps with steepest-descent images that are computed once (Baker & Matthews,
"Lucas-Kanade 20 Years On", IJCV 2004, section 3.2, the inverse compositional algorithm), on a
sample of the pixels with steep gradients. Pixels are reweighted so as to lower the mean truncated
difference, so that objects which move by themselves do not count, and noise counts little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.motion import RigidMotion
from ahdr_cli.bracket.pair import TRUNCATED, Mask, Pair, mean_size, moved
from ahdr_cli.images import FloatArray

__all__ = ["polished"]

_ROUNDS = 3  # samples drawn at most
_NEAR = 0.5  # pixels at the picture's corner: after a smaller motion the sample still fits
_STEPS = 12  # at most, with one sample
_SMALLEST_STEP = 0.01  # pixels at the picture's corner, at which it is good enough
_STEEP = 0.75  # quantile of the gradients above which a pixel is steep enough to be sampled
_LEAST, _MOST = 100, 30_000  # pixels of a sample; more do not make three numbers more exact
_EQUAL = np.float32(0.05)  # log difference below which all pixels weigh the same


def polished(pair: Pair, begin: RigidMotion) -> RigidMotion:
    """A motion near `begin` under which the pictures agree better, else `begin`.

    Args:
        pair: what to register.
        begin: right within about two pixels.
    """
    motion = begin
    for _ in range(_ROUNDS):
        sample = _Sample.of(pair, motion)
        if sample is None:
            return motion
        before, motion = motion, sample.fit(motion)
        if before.distance(motion, pair.fixed.shape) < _NEAR:
            break
    return motion


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sample:
    """Some pixels of the reference, and how they change with a small motion about its centre.

    Attributes:
        pair: whose pixels they are.
        positions: (2, n) float64, x and y.
        values: (n,) float32, the reference there, less the difference in tone: that hardly
            changes with a motion, and is costly to find.
        fixed, moving: (3, n) float32, derivatives there by rotation (a pixel at `radius`), by x
            and by y, of the reference and of the other picture seen from it. Their noise is
            independent, so their product does not grow by it, and steps do not shrink.
    """

    pair: Pair
    positions: NDArray[np.float64]
    values: FloatArray
    fixed: FloatArray
    moving: FloatArray

    @classmethod
    def of(cls, pair: Pair, motion: RigidMotion) -> Self | None:
        """Sample pixels where the reference's gradient is steep; None if too few are usable."""
        cv2 = pair.cv2
        # Scharr's derivative is 32 for a slope of one.
        fixed, moving = (
            [cv2.Scharr(image, cv2.CV_32F, *order, scale=1 / 32) for order in ((1, 0), (0, 1))]
            for image in (pair.fixed, pair.moving)
        )
        usable = pair.usable(motion)
        chosen = _steep(cv2.magnitude(*fixed), usable)
        if chosen.size < _LEAST:
            return None
        y, x = np.divmod(chosen, pair.fixed.shape[1])
        positions = np.stack((x, y)).astype(np.float64)
        places = moved(positions, motion)
        seen = [pair.sample(slope, places) for slope in moving]
        # The gradient of what is turned is turned back.
        turned = motion.matrix[:, :2].T.astype(np.float32) @ np.stack(seen)
        difference = pair.difference(motion, where=usable).ravel()[chosen]
        return cls(
            pair=pair,
            positions=positions,
            values=difference + pair.sample(pair.moving, places),
            fixed=_derivatives(pair, positions, *(slope.ravel()[chosen] for slope in fixed)),
            moving=_derivatives(pair, positions, *turned),
        )

    def fit(self, begin: RigidMotion) -> RigidMotion:
        """A motion under which these pixels agree better, else `begin`."""
        first = last = self.error(begin)
        motion = begin
        for _ in range(_STEPS):
            step = self._step(*last)
            if step is None:
                break
            motion = motion.after(step)
            last = self.error(motion)
            if step.displacement(self.pair.fixed.shape) < _SMALLEST_STEP:
                break
        both = first[1] & last[1]
        after, before = (mean_size(error, where=both) for error, _ in (last, first))
        return motion if after < before else begin

    def error(self, motion: RigidMotion) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Each pixel's difference after `motion` is undone, and whether it can be trusted."""
        pair = self.pair
        places = moved(self.positions, motion)
        seen = pair.sample(pair.seen_moving, places, pair.cv2.INTER_NEAREST)
        return self.values - pair.sample(pair.moving, places), seen > 0

    def _step(self, error: FloatArray, counts: NDArray[np.bool_]) -> RigidMotion | None:
        """The motion to be done before the present one; None if the equations are singular."""
        size = np.abs(error)
        # Least squares with these weights lowers the sum of absolute values.
        weight = (counts & (size < TRUNCATED)) / np.maximum(size, _EQUAL)
        weighted = self.fixed * weight.astype(np.float32)
        try:
            # `dot` computes outside Python's lock, `@` within.
            turn, x, y = np.linalg.solve(
                np.dot(weighted, self.moving.T).astype(np.float64), np.dot(weighted, error)
            )
        except np.linalg.LinAlgError:
            return None
        centre, radius = _middle(self.pair)
        return RigidMotion.about(centre, radians=turn / radius, shift=(x, y))


def _steep(slope: FloatArray, usable: Mask) -> NDArray[np.intp]:
    """Indices into the flattened picture of at most `_MOST` usable pixels with steep gradients."""
    slopes = slope[usable > 0]
    if not slopes.size:
        return np.empty(0, np.intp)
    least = np.quantile(slopes[:: max(slopes.size // _MOST, 1)], _STEEP)
    steep = np.flatnonzero((usable > 0) & (slope > least))
    return steep[:: math.ceil(steep.size / _MOST) or 1]


def _derivatives(
    pair: Pair, positions: NDArray[np.float64], gx: FloatArray, gy: FloatArray
) -> FloatArray:
    """(3, n), as in :class:`_Sample`, from the gradient."""
    centre, radius = _middle(pair)
    turning = ((positions[0] - centre[0]) * gy - (positions[1] - centre[1]) * gx) / radius
    return np.stack((turning, gx, gy)).astype(np.float32)


def _middle(pair: Pair) -> tuple[tuple[float, float], float]:
    """Centre (x, y) and half the diagonal, in pixels."""
    height, width = pair.fixed.shape
    centre = ((width - 1) / 2, (height - 1) / 2)
    return centre, math.hypot(*centre)
