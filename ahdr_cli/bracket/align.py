"""Camera motion within a bracket: estimated between frames, and undone.

The reference (middle) frame stays as it is; the outer frames are warped onto it, by a shift
or by a rotation and a shift. Objects that move by themselves are not aligned, that is the
network's business. Two estimators, used together on small guides of the frames:

* **MTB** (Ward, "Fast, Robust Image Registration for Compositing High Dynamic Range
  Photographs from Hand-Held Exposures", 2003; OpenCV's `AlignMTB`): whole pixels, needs no
  exposures, finds large shifts; on heavily clipped frames it runs into its limit of ±63 px,
  which counts as a failure here.
* **Registration** (:mod:`ahdr_cli.bracket.registration`), sub-pixel and with rotation, needs
  exposures, and a start within a few pixels.

Whatever does not make the frames more alike is discarded, so that alignment never harms.

cv2 is imported when a function is called.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.bracket import Bracket
from ahdr_cli.bracket.guide import Guide, grey8
from ahdr_cli.bracket.motion import MovedPixels, RigidMotion
from ahdr_cli.bracket.opencv import load_cv2
from ahdr_cli.bracket.pair import Level, pyramid
from ahdr_cli.bracket.registration import register
from ahdr_cli.images import FloatArray, Frame

__all__ = [
    "FARTHEST",
    "STILL_PX",
    "Alignment",
    "RigidMotion",
    "align_bracket",
    "align_if_moved",
    "estimate_motion",
    "load_cv2",
    "mtb_shift",
    "warp",
]

MTB_BITS = 6
"""Pyramid levels of MTB: shifts up to ±(2^6 - 1) px."""

STILL_PX = 0.75
"""Corner displacement below which a frame counts as still: resampling it would cost more
sharpness than so small a motion costs the network, which was trained to bear about twice that."""


FARTHEST = 0.25
"""Part of the picture's longer side that a frame may have moved by: with more, two pictures that
have nothing in common were found to be alike somewhere."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alignment:
    """The camera's motion within a bracket, and the bracket without it.

    Attributes:
        taken: the bracket as it was photographed.
        motions: of the short and the long frame; the identity for a frame that is left alone.
    """

    taken: Bracket
    motions: tuple[RigidMotion, RigidMotion]

    @property
    def displacements(self) -> tuple[float, float]:
        """Of the short and the long frame's farthest corner, in pixels; 0 if left alone."""
        short, long = (motion.displacement(self.taken.size) for motion in self.motions)
        return short, long

    @property
    def bracket(self) -> Bracket:
        """The aligned bracket, warped anew; frames that were left alone are the same objects."""
        short, reference, long = self.taken.frames
        short, long = warp(short, self.motions[0]), warp(long, self.motions[1])
        return replace(self.taken, frames=(short, reference, long))

    @property
    def pixels(self) -> list[FloatArray | MovedPixels]:
        """Those of the aligned frames, warped box by box as they are asked for."""
        short, reference, long = (frame.pixels for frame in self.taken.frames)
        return [
            short if self.motions[0].is_identity else MovedPixels(short, self.motions[0]),
            reference,
            long if self.motions[1].is_identity else MovedPixels(long, self.motions[1]),
        ]


def align_bracket(bracket: Bracket, *, rotation: bool = True) -> Bracket:
    """Warp the outer frames onto the reference.

    Args:
        bracket: hand-held, say.
        rotation: refine the shift, to fractions of pixels and with rotation; False keeps MTB's
            whole pixels.

    Returns:
        A bracket with the same reference and exposures. Where a warped frame has no pixel
        its border is repeated.
    """
    short, long = (estimate_motion(bracket, index, rotation=rotation) for index in (0, 2))
    return Alignment(taken=bracket, motions=(short, long)).bracket


def align_if_moved(bracket: Bracket, *, least: float = STILL_PX) -> Alignment:
    """Find by how much the camera's motion displaced the outer frames.

    Args:
        bracket: any; a tripod's is left as it is.
        least: displacement in pixels of the farthest corner below which a frame is left alone.
    """
    reference = _Reference.of(bracket)
    # OpenCV and numpy compute outside Python's lock.
    with ThreadPoolExecutor(2, thread_name_prefix="ahdr-align") as sides:
        motions = list(sides.map(lambda index: _motion(bracket, index, reference), (0, 2)))
    most = FARTHEST * max(bracket.size)
    short, long = (
        motion if least <= motion.displacement(bracket.size) <= most else RigidMotion()
        for motion in motions
    )
    return Alignment(taken=bracket, motions=(short, long))


def estimate_motion(bracket: Bracket, index: int, *, rotation: bool = True) -> RigidMotion:
    """Motion of frame `index` (0 or 2) against the reference.

    Args:
        bracket: whose reference everything is measured from.
        index: of the outer frame.
        rotation: as in :func:`align_bracket`.
    """
    if not rotation:
        return RigidMotion.of_shift(mtb_shift(bracket.reference, bracket.frames[index]))
    return _motion(bracket, index, _Reference.of(bracket))


def mtb_shift(reference: Frame, frame: Frame) -> tuple[int, int]:
    """Shift (x, y) in whole pixels from the reference to `frame`; (0, 0) if MTB fails."""
    return _mtb(grey8(reference.pixels), grey8(frame.pixels))


def warp(frame: Frame, motion: RigidMotion) -> Frame:
    """`frame` as seen from the reference: bicubic, clipped to [0, 1], border repeated."""
    if motion.is_identity:
        return frame
    return replace(frame, pixels=MovedPixels(frame.pixels, motion)[:, :])


class _Reference(NamedTuple):
    """What both outer frames are compared with."""

    guide: Guide
    levels: list[Level]

    @classmethod
    def of(cls, bracket: Bracket) -> _Reference:
        guide = Guide.of(bracket.reference.pixels)
        return cls(guide, pyramid(guide))


def _motion(bracket: Bracket, index: int, reference: _Reference) -> RigidMotion:
    gain = float(bracket.ratios[index] / bracket.ratios[1])
    moving = Guide.of(bracket.frames[index].pixels, gain=gain)
    start = RigidMotion.of_shift(_mtb(reference.guide.grey, moving.grey))
    return register(reference.levels, pyramid(moving), start=start).scaled(moving.block)


def _mtb(reference: NDArray[np.uint8], moving: NDArray[np.uint8]) -> tuple[int, int]:
    cv2 = load_cv2()
    limit = 2**MTB_BITS - 1
    # Beyond a fourth of the picture there is nothing left to compare.
    side = min(reference.shape)
    bits = min(MTB_BITS, max(1, int(math.log2(max(side // 4, 2)))))
    matcher = cv2.createAlignMTB(max_bits=bits, cut=False)
    found = matcher.calculateShift(reference, moving)
    # OpenCV reports by how much to move the second one back.
    x, y = -int(found[0]), -int(found[1])
    return (0, 0) if max(abs(x), abs(y)) >= min(limit, 2**bits - 1) else (x, y)
