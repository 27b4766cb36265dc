"""Registration of two guides, coarse to fine, safe against what moves by itself.

The smallest pictures are registered by **ECC** (Evangelidis & Psarakis, "Parametric Image
Alignment Using Enhanced Correlation Coefficient Maximization", TPAMI 2008; OpenCV's
`findTransformECC`): with rotation, from a start within a few pixels. The result is polished to a
small fraction of a pixel (:mod:`ahdr_cli.bracket.polish`) there and on ever larger ones, where ECC
would be slow. Both look only where neither frame is clipped or black, and whatever does not make
the frames more alike is discarded.
"""

from __future__ import annotations

import numpy as np

from ahdr_cli.bracket.motion import RigidMotion
from ahdr_cli.bracket.pair import Level, Mask, Pair
from ahdr_cli.bracket.polish import polished

__all__ = ["register"]

_MIN_USABLE = 0.02  # share of pixels that must be neither clipped nor black in either frame
_LEAST_LIKENESS = 0.3  # correlation below which two pictures have nothing to align by
_LEAST_GAIN = 0.97  # share of the disagreement that alignment may leave at most
_UNUSUAL = 2.0  # times the median difference, from which a pixel counts as moved by itself
_PATCH = 9  # side in pixels over which that is judged
_ECC_STEPS = 60
_ECC_GAIN = 1e-6  # in correlation, at which it stops


def register(reference: list[Level], moving: list[Level], *, start: RigidMotion) -> RigidMotion:
    """Motion from the reference's to the other guide's positions, in their pixels.

    Args:
        reference: pyramid of the reference frame's guide.
        moving: that of the other frame's, in the reference's units and of the same size.
        start: a first guess; it may be wrong.

    Returns:
        The identity unless a motion makes the guides agree better.
    """
    pairs = [Pair.of(*levels) for levels in zip(reference, moving, strict=True)]
    coarsest, finest = pairs[-1], pairs[0]
    # The first guess may have been led astray; then ECC is better off without it.
    begin = max((start.scaled(coarsest.scale), RigidMotion()), key=coarsest.likeness)
    motion, scale = _fit(coarsest, begin), coarsest.scale
    if motion is None:
        motion = start
    else:
        for pair in reversed(pairs):
            motion, scale = polished(pair, motion.scaled(pair.scale / scale)), pair.scale
    if finest.likeness(motion) <= _LEAST_LIKENESS:
        return RigidMotion()
    where = finest.usable(motion) & finest.usable(RigidMotion())
    before, after = (finest.disagreement(each, where=where) for each in (RigidMotion(), motion))
    return motion if after < _LEAST_GAIN * before else RigidMotion()


def _fit(pair: Pair, begin: RigidMotion) -> RigidMotion | None:
    """ECC from `begin`, without what moves by itself; None if it does not converge."""
    every = _ecc(pair, begin, where=pair.usable(begin))
    if every is None:
        return None
    # What moved by itself stands out against a motion of the whole frame, however roughly that
    # is known; without it the second fit is the camera's motion alone.
    usable = pair.usable(every)
    steady = _ecc(pair, every, where=usable & _agrees(pair, every, usable))
    if steady is None:
        return None
    return min((every, steady), key=lambda motion: pair.disagreement(motion, where=usable))


def _ecc(pair: Pair, begin: RigidMotion, *, where: Mask) -> RigidMotion | None:
    if where.mean() < _MIN_USABLE:
        return None
    cv2 = pair.cv2
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _ECC_STEPS, _ECC_GAIN)
    # OpenCV wants the mask in the geometry of the moving picture.
    mask = cv2.warpAffine(where, begin.matrix, where.shape[::-1], flags=cv2.INTER_NEAREST)
    matrix = begin.matrix.astype(np.float32)
    try:
        _, found = cv2.findTransformECC(
            pair.fixed, pair.moving, matrix, cv2.MOTION_EUCLIDEAN, stop, mask, 1
        )
    except cv2.error:
        # Raised where it does not converge.
        return None
    return RigidMotion(found.astype(np.float64))


def _agrees(pair: Pair, motion: RigidMotion, usable: Mask) -> Mask:
    """1 where the frames, with the motion undone, differ by no more than is usual."""
    difference = np.abs(pair.difference(motion, where=usable)) * usable
    size = pair.cv2.blur(difference, (_PATCH, _PATCH))
    usual = float(np.median(size[usable > 0]))
    agrees: Mask = (size <= _UNUSUAL * usual).astype(np.uint8)
    return agrees
