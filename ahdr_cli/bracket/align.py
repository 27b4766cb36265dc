"""Camera motion within a bracket: estimated between frames, and undone.

The reference (middle) frame stays as it is; the outer frames are warped onto it, by a shift
or by a rotation and a shift. Objects that move by themselves are not aligned, that is the
network's business. Two estimators, used together:

* **MTB** (Ward, "Fast, Robust Image Registration for Compositing High Dynamic Range
  Photographs from Hand-Held Exposures", 2003; OpenCV's `AlignMTB`): whole pixels, needs no
  exposures, finds large shifts; on heavily clipped frames it runs into its limit of ±63 px,
  which counts as a failure here.
* **ECC** (Evangelidis & Psarakis, TPAMI 2008; OpenCV's `findTransformECC`) on blurred
  log-radiance, coarse to fine: sub-pixel, with rotation, needs a start within a few pixels,
  and looks only where neither frame is clipped or black.

Whatever does not make the frames more alike is discarded, so that alignment never harms.
cv2 is imported when a function is called.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.bracket import Bracket
from ahdr_cli.errors import MissingDependencyError
from ahdr_cli.images import FloatArray, Frame
from ahdr_cli.radiometry.luminance import luminance
from ahdr_cli.radiometry.transfer import gamma_decode

__all__ = [
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

_COARSEST = 160  # longest side in pixels at which ECC starts
_FINEST = 2_000_000  # pixels at which ECC ends; the motion is scaled up from there
_MIN_USABLE = 0.02  # share of pixels that must be neither clipped nor black in either frame
_BLACK, _CLIPPED = 0.04, 0.98  # encoded values between which a pixel tells something
_LEAST_LIKENESS = 0.3  # correlation below which two pictures have nothing to align by
_LEAST_GAIN = 0.97  # of the disagreement, that alignment must leave at most
_TONE = 31  # side in pixels over which a difference in tone counts as constant
_TRUNCATED = 0.25  # log difference above which a pixel shows something else, not a shift
_UNUSUAL = 2.0  # times the usual residual, from which a place counts as moved by itself
_PATCH = 9  # side in pixels over which that is judged
_BLUR = 1.5  # σ in pixels of each pyramid level


@dataclass(frozen=True, slots=True, eq=False)
class RigidMotion:
    """Rotation and shift from the reference frame's pixel positions to another frame's.

    Attributes:
        matrix: (2, 3) float64: (x', y') = matrix · (x, y, 1), pixel centres at integers.
    """

    matrix: NDArray[np.float64] = field(default_factory=lambda: np.eye(2, 3))

    @property
    def shift(self) -> tuple[float, float]:
        """(x, y) in pixels, of the origin."""
        return float(self.matrix[0, 2]), float(self.matrix[1, 2])

    @property
    def degrees(self) -> float:
        """Rotation, positive from x towards y (clockwise on screen)."""
        return math.degrees(math.atan2(self.matrix[1, 0], self.matrix[0, 0]))

    @property
    def is_identity(self) -> bool:
        """Nothing moved."""
        return bool(np.array_equal(self.matrix, np.eye(2, 3)))

    def displacement(self, size: tuple[int, int]) -> float:
        """How far the farthest corner of a picture of `size` (height, width) moves, in pixels."""
        height, width = size
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
        moved = corners @ self.matrix.T - corners[:, :2]
        return float(np.hypot(moved[:, 0], moved[:, 1]).max())


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What :func:`align_if_moved` did.

    Attributes:
        bracket: the aligned bracket.
        displacements: of the short and the long frame's farthest corner, in pixels; 0 for a
            frame that was left as it is.
    """

    bracket: Bracket
    displacements: tuple[float, float]


def load_cv2() -> ModuleType:
    """The module cv2.

    Raises:
        MissingDependencyError: it is absent, or its system libraries are.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingDependencyError(
            f"OpenCV cannot be imported: {' '.join(str(error).split())}",
            hint="install the system's libGL and glib, or pip install opencv-python-headless",
        ) from error
    module: ModuleType = cv2
    return module


def align_bracket(bracket: Bracket, *, rotation: bool = True) -> Bracket:
    """Warp the outer frames onto the reference.

    Args:
        bracket: hand-held, say.
        rotation: refine the shift by ECC, sub-pixel and with rotation; False keeps MTB's
            whole pixels.

    Returns:
        A bracket with the same reference and exposures. Where a warped frame has no pixel
        its border is repeated.
    """
    short, reference, long = bracket.frames
    warped = [
        warp(frame, estimate_motion(bracket, index, rotation=rotation))
        for index, frame in ((0, short), (2, long))
    ]
    return replace(bracket, frames=(warped[0], reference, warped[1]))


def align_if_moved(bracket: Bracket, *, least: float = STILL_PX) -> Alignment:
    """Warp those outer frames onto the reference that the camera's motion displaced.

    Args:
        bracket: any; a tripod's comes back untouched.
        least: displacement in pixels of the farthest corner from which a frame is warped.
    """
    frames = list(bracket.frames)
    displacements = [0.0, 0.0]
    for side, index in enumerate((0, 2)):
        motion = estimate_motion(bracket, index)
        displacement = motion.displacement(bracket.size)
        if displacement >= least:
            frames[index] = warp(frames[index], motion)
            displacements[side] = displacement
    return Alignment(
        bracket=replace(bracket, frames=(frames[0], frames[1], frames[2])),
        displacements=(displacements[0], displacements[1]),
    )


def estimate_motion(bracket: Bracket, index: int, *, rotation: bool = True) -> RigidMotion:
    """Motion of frame `index` (0 or 2) against the reference.

    Args:
        bracket: whose reference everything is measured from.
        index: of the outer frame.
        rotation: as in :func:`align_bracket`.
    """
    reference, frame = bracket.reference, bracket.frames[index]
    start = _shift_motion(mtb_shift(reference, frame))
    if not rotation:
        return start
    gain = float(bracket.ratios[index] / bracket.ratios[1])
    return _refine(reference.pixels, frame.pixels, gain=gain, start=start)


def mtb_shift(reference: Frame, frame: Frame) -> tuple[int, int]:
    """Shift (x, y) in whole pixels from the reference to `frame`; (0, 0) if MTB fails."""
    cv2 = load_cv2()
    limit = 2**MTB_BITS - 1
    # Beyond a fourth of the picture there is nothing left to compare.
    side = min(reference.size)
    bits = min(MTB_BITS, max(1, int(math.log2(max(side // 4, 2)))))
    matcher = cv2.createAlignMTB(max_bits=bits, cut=False)
    found = matcher.calculateShift(_grey8(reference.pixels), _grey8(frame.pixels))
    # OpenCV reports by how much to move `frame` back.
    x, y = -int(found[0]), -int(found[1])
    return (0, 0) if max(abs(x), abs(y)) >= min(limit, 2**bits - 1) else (x, y)


def warp(frame: Frame, motion: RigidMotion) -> Frame:
    """`frame` as seen from the reference: bicubic, clipped to [0, 1], border repeated."""
    if motion.is_identity:
        return frame
    cv2 = load_cv2()
    height, width = frame.size
    moved = cv2.warpAffine(
        frame.pixels,
        motion.matrix,
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return replace(frame, pixels=np.clip(moved, 0.0, 1.0).astype(np.float32))


def _shift_motion(shift: tuple[int, int]) -> RigidMotion:
    return RigidMotion(np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]]))


def _refine(
    reference: FloatArray, moving: FloatArray, *, gain: float, start: RigidMotion
) -> RigidMotion:
    """ECC from coarse to fine, from `start`; the identity if that is no better than nothing."""
    cv2 = load_cv2()
    fixed, seen_fixed = _log_radiance(reference, gain=1.0)
    other, seen_other = _log_radiance(moving, gain=gain)
    size = max(fixed.shape)
    finest = max(0, math.ceil(math.log2(max(fixed.size / _FINEST, 1.0)) / 2))
    coarsest = max(finest, math.ceil(math.log2(max(size / _COARSEST, 1.0))))
    identity = np.eye(2, 3, dtype=np.float32)
    matrix = start.matrix.copy()
    for level in range(coarsest, finest - 1, -1):
        scale = 2.0**-level
        one, two = (_at_scale(cv2, image, scale) for image in (fixed, other))
        mask = _at_scale(cv2, seen_fixed, scale) * _at_scale(cv2, seen_other, scale)
        usable = (mask > 0.5).astype(np.uint8)
        begin = _rescale(matrix, scale).astype(np.float32)
        if level == coarsest:
            # MTB may have been led astray; then ECC is better off without it.
            begin = max(
                (begin, identity), key=lambda candidate: _likeness(cv2, one, two, candidate)
            )
        try:
            every = _fit(cv2, one, two, begin, usable)
            # What moved by itself stands out against a motion of the whole frame, however
            # roughly that is known; without it the second fit is the camera's motion alone.
            steady = _fit(cv2, one, two, every, usable & _agrees(cv2, one, two, every, usable))
            disagreements = [_disagreement(cv2, one, two, m, usable) for m in (every, steady)]
            found = every if disagreements[0] <= disagreements[1] else steady
        except cv2.error:
            # ECC says so by an exception when it does not converge.
            matrix = start.matrix
            break
        matrix = _rescale(found.astype(np.float64), 1.0 / scale)
    candidate = _rescale(matrix, scale).astype(np.float32)
    alike = _likeness(cv2, one, two, candidate) > _LEAST_LIKENESS
    before, after = (_disagreement(cv2, one, two, m, usable) for m in (identity, candidate))
    return RigidMotion(matrix) if alike and after < _LEAST_GAIN * before else RigidMotion()


def _fit(
    cv2: ModuleType,
    fixed: FloatArray,
    moving: FloatArray,
    begin: FloatArray,
    usable: NDArray[np.uint8],
) -> FloatArray:
    """ECC from `begin` where `usable`; cv2.error if there is too little to go by."""
    if usable.mean() < _MIN_USABLE:
        raise cv2.error
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 60, 1e-6)
    _, found = cv2.findTransformECC(
        fixed, moving, begin.copy(), cv2.MOTION_EUCLIDEAN, stop, usable, 1
    )
    matrix: FloatArray = found
    return matrix


def _residual(cv2: ModuleType, fixed: FloatArray, moving: FloatArray, matrix: FloatArray) -> Any:  # noqa: ANN401 - arrays of cv2
    size = (fixed.shape[1], fixed.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(moving, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    difference = fixed - moved
    # What varies slowly is tone: the exposures and the camera's curve are not known exactly.
    return np.abs(difference - cv2.blur(difference, (_TONE, _TONE)))


def _agrees(
    cv2: ModuleType,
    fixed: FloatArray,
    moving: FloatArray,
    matrix: FloatArray,
    usable: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """1 where the frames differ by no more than is usual after `matrix` is undone."""
    residual = cv2.blur(_residual(cv2, fixed, moving, matrix), (_PATCH, _PATCH))
    usual = float(np.median(residual[usable > 0]))
    agrees: NDArray[np.uint8] = (residual <= _UNUSUAL * usual).astype(np.uint8)
    return agrees


def _disagreement(
    cv2: ModuleType,
    fixed: FloatArray,
    moving: FloatArray,
    matrix: FloatArray,
    usable: NDArray[np.uint8],
) -> float:
    """Mean truncated log difference where `usable`: what moved counts the same either way."""
    residual = _residual(cv2, fixed, moving, matrix)[usable > 0]
    return float(np.minimum(residual, _TRUNCATED).mean()) if residual.size else math.inf


def _log_radiance(pixels: FloatArray, *, gain: float) -> tuple[FloatArray, FloatArray]:
    """Log of linear luminance in the reference's units, and where it can be trusted (0 or 1)."""
    linear = luminance(gamma_decode(pixels)) / np.float32(gain)
    floor = np.float32(_BLACK**2.2)
    seen = (pixels.max(axis=2) < _CLIPPED) & (pixels.max(axis=2) > _BLACK)
    return np.log(linear + floor).astype(np.float32), seen.astype(np.float32)


def _at_scale(cv2: Any, image: FloatArray, scale: float) -> FloatArray:  # noqa: ANN401 - a module
    small = image
    if scale < 1.0:
        height, width = (max(8, round(side * scale)) for side in image.shape)
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    blurred: FloatArray = cv2.GaussianBlur(small, (0, 0), _BLUR)
    return blurred


def _rescale(matrix: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """The same motion for pixels `1 / scale` as large.

    Pixel centres are at integers, so the picture's corner is at -1/2 and x_small =
    scale · (x + 1/2) - 1/2: A x + b becomes A x + scale · b + (scale - 1)/2 · (1 - A) · 1.
    """
    offset = 0.5 * (scale - 1.0)
    result = matrix.copy()
    rotation = matrix[:, :2]
    result[:, 2] = scale * matrix[:, 2] + offset * (np.ones(2) - rotation @ np.ones(2))
    return result


def _likeness(cv2: Any, fixed: FloatArray, moving: FloatArray, matrix: NDArray[Any]) -> float:  # noqa: ANN401 - a module
    """Correlation of what overlaps after the motion is undone."""
    size = (fixed.shape[1], fixed.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(moving, matrix, size, flags=flags)
    inside = cv2.warpAffine(np.ones_like(moving), matrix, size, flags=flags) > 0.99
    if inside.sum() < 16:
        return -1.0
    one, two = fixed[inside].astype(np.float64), moved[inside].astype(np.float64)
    one, two = one - one.mean(), two - two.mean()
    norm = math.sqrt(float(one @ one) * float(two @ two))
    return float(one @ two) / norm if norm > 0 else -1.0


def _grey8(pixels: FloatArray) -> NDArray[np.uint8]:
    steps: FloatArray = luminance(pixels) * np.float32(255)
    return np.rint(steps).clip(0, 255).astype(np.uint8)
