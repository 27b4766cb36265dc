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

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.bracket import Bracket
from ahdr_cli.bracket.guide import Guide, grey8
from ahdr_cli.bracket.motion import MovedPixels, RigidMotion
from ahdr_cli.bracket.opencv import load_cv2
from ahdr_cli.bracket.pair import Level, pyramid
from ahdr_cli.bracket.registration import register
from ahdr_cli.images import FloatArray, PixelSource

__all__ = [
    "FARTHEST",
    "Alignment",
    "align_by_mtb",
    "align_if_moved",
    "estimate_motion",
    "estimate_motions",
]

MTB_BITS = 6
"""Pyramid levels of MTB: shifts up to ±(2^6 - 1) px."""

STILL_PX = 0.75
"""Corner displacement below which a frame counts as still: resampling it would cost more
sharpness than so small a motion costs the network, which was trained to bear about twice that."""

FARTHEST = 0.25
"""Largest displacement that is believed, in parts of the picture's longer side: two pictures that
have nothing in common look alike somewhere, mostly farther away than that."""


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
        """How far the farthest corner of the short and of the long frame moves, in pixels."""
        short, long = (motion.displacement(self.taken.size) for motion in self.motions)
        return short, long

    @property
    def pixels(self) -> list[FloatArray | MovedPixels]:
        """The pixels of the aligned frames, warped box by box as they are asked for.

        Bicubic, clipped to [0, 1]; where a warped frame has no pixel its border is repeated.
        """
        short, reference, long = (frame.pixels for frame in self.taken.frames)
        return [
            short if self.motions[0].is_identity else MovedPixels(short, self.motions[0]),
            reference,
            long if self.motions[1].is_identity else MovedPixels(long, self.motions[1]),
        ]

    @property
    def bracket(self) -> Bracket:
        """The aligned bracket, warped anew; frames that were left alone are the same objects."""
        short, reference, long = (
            frame if isinstance(pixels, np.ndarray) else replace(frame, pixels=pixels[:, :])
            for frame, pixels in zip(self.taken.frames, self.pixels, strict=True)
        )
        return replace(self.taken, frames=(short, reference, long))


def align_if_moved(bracket: Bracket) -> Alignment:
    """Align the outer frames with the reference, as far as the camera moved and that was found.

    A frame that moved by less than `STILL_PX` or more than `FARTHEST` is left alone.
    """
    most = FARTHEST * max(bracket.size)
    short, long = (
        motion if STILL_PX <= motion.displacement(bracket.size) <= most else RigidMotion()
        for motion in estimate_motions(bracket)
    )
    return Alignment(taken=bracket, motions=(short, long))


def align_by_mtb(bracket: Bracket) -> Alignment:
    """Shift the outer frames onto the reference by whole pixels, as MTB alone has it."""
    reference = grey8(bracket.reference.pixels)
    short, long = (
        RigidMotion.of_shift(_mtb_shift(reference, grey8(bracket.frames[index].pixels)))
        for index in (0, 2)
    )
    return Alignment(taken=bracket, motions=(short, long))


def estimate_motions(bracket: Bracket) -> tuple[RigidMotion, RigidMotion]:
    """Motions of the short and the long frame against the reference, however small or large."""
    fixed = Guide.of(bracket.reference.pixels)
    levels = pyramid(fixed)

    def motion(index: int) -> RigidMotion:
        gain = float(bracket.ratios[index] / bracket.ratios[1])
        return _motion(fixed, levels, bracket.frames[index].pixels, gain=gain)

    # OpenCV and numpy compute outside Python's lock.
    with ThreadPoolExecutor(1, thread_name_prefix="ahdr-align") as other:
        short = other.submit(motion, 0)
        long = motion(2)
        return short.result(), long


def estimate_motion(fixed: PixelSource, moving: PixelSource, *, gain: float) -> RigidMotion:
    """Motion of one frame against another, however small or large.

    Args:
        fixed: (H, W, 3) float32 in [0, 1], display-encoded.
        moving: of the same size.
        gain: exposure of `moving` relative to `fixed`.
    """
    guide = Guide.of(fixed)
    return _motion(guide, pyramid(guide), moving, gain=gain)


def _motion(fixed: Guide, levels: list[Level], moving: PixelSource, *, gain: float) -> RigidMotion:
    """The motion of a frame against a guide, of which `levels` is the pyramid."""
    guide = Guide.of(moving, gain=gain)
    start = RigidMotion.of_shift(_mtb_shift(fixed.grey, guide.grey))
    return register(levels, pyramid(guide), start=start).scaled(guide.block)


def _mtb_shift(reference: NDArray[np.uint8], moving: NDArray[np.uint8]) -> tuple[int, int]:
    """Shift (x, y) in whole pixels from the reference to `moving`; (0, 0) if MTB fails."""
    cv2 = load_cv2()
    limit = 2**MTB_BITS - 1
    side = min(reference.shape)
    if side < 2:
        return 0, 0  # OpenCV fails at a row or column, and one pixel ends the process
    # Beyond a fourth of the picture there is nothing left to compare.
    bits = min(MTB_BITS, max(1, int(math.log2(max(side // 4, 2)))))
    matcher = cv2.createAlignMTB(max_bits=bits, cut=False)
    found = matcher.calculateShift(reference, moving)
    # OpenCV reports by how much to move the second one back.
    x, y = -int(found[0]), -int(found[1])
    return (0, 0) if max(abs(x), abs(y)) >= min(limit, 2**bits - 1) else (x, y)
