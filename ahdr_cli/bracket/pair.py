"""`Pair`: two pictures to be registered, of one size, and how well they agree under a motion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.guide import Guide
from ahdr_cli.bracket.motion import RigidMotion
from ahdr_cli.bracket.opencv import load_cv2
from ahdr_cli.images import FloatArray

__all__ = ["TRUNCATED", "Level", "Mask", "Pair", "mean_size", "moved", "pyramid"]

Mask: TypeAlias = NDArray[np.uint8]
"""1 where something holds, else 0."""

TRUNCATED = 0.25
"""Log difference above which a pixel shows something else, not a shift."""

_COARSEST = 160  # longest side in pixels of a pyramid's last level
_TONE = 31  # side in pixels over which a difference in tone counts as constant
_BLUR = 1.5  # σ in pixels of each level
_LIKE = 100_000  # pixels, or up to four times as many, that a likeness is computed from
_SEEN = 0.5  # share of what is blurred into a pixel that must be neither clipped nor black


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """A guide at one size of its pyramid.

    Attributes:
        image: (h, w) float32, blurred log-radiance.
        seen: (h, w), 1 where it can be trusted.
        scale: size relative to the guide.
    """

    image: FloatArray
    seen: Mask
    scale: float


def pyramid(guide: Guide) -> list[Level]:
    """A guide at its own size, at half of it and so on, finest first."""
    cv2 = load_cv2()
    images = [guide.log_radiance, guide.seen]
    levels: list[Level] = []
    while True:
        image, seen = (cv2.GaussianBlur(each, (0, 0), _BLUR) for each in images)
        # A pixel whose surroundings are half clipped or black is blurred with invalid values.
        trusted = (seen > _SEEN).astype(np.uint8)
        levels.append(Level(image=image, seen=trusted, scale=0.5 ** len(levels)))
        if max(image.shape) <= _COARSEST:
            return levels
        height, width = (max(8, round(side / 2)) for side in image.shape)
        images = [cv2.resize(i, (width, height), interpolation=cv2.INTER_AREA) for i in images]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """Two pictures (h, w) of one size.

    Attributes:
        cv2: the module.
        fixed, moving: float32, blurred log-radiance.
        seen_fixed, seen_moving: uint8, 1 where they can be trusted.
        scale: size relative to the guides.
    """

    cv2: Any
    fixed: FloatArray
    moving: FloatArray
    seen_fixed: Mask
    seen_moving: Mask
    scale: float

    @classmethod
    def of(cls, fixed: Level, moving: Level) -> Self:
        """Two guides at one size."""
        return cls(
            cv2=load_cv2(),
            fixed=fixed.image,
            moving=moving.image,
            seen_fixed=fixed.seen,
            seen_moving=moving.seen,
            scale=fixed.scale,
        )

    def usable(self, motion: RigidMotion) -> Mask:
        """Where both pictures can be trusted once `motion` is undone."""
        cv2 = self.cv2
        usable: Mask = self.seen_fixed & self.undo(self.seen_moving, motion, cv2.INTER_NEAREST)
        return usable

    def difference(self, motion: RigidMotion, *, where: Mask) -> FloatArray:
        """Fixed minus moving after `motion` is undone, without differences in tone.

        What varies slowly is tone: exposures and the camera's curve are not known exactly.

        Args:
            motion: from the fixed to the moving picture.
            where: (h, w), 1 where the difference is wanted; elsewhere it is arbitrary.
        """
        cv2 = self.cv2
        weight = where.astype(np.float32)
        difference: FloatArray = self.fixed - self.undo(self.moving, motion)
        difference *= weight
        tone = cv2.blur(difference, (_TONE, _TONE))
        tone /= np.maximum(cv2.blur(weight, (_TONE, _TONE)), np.float32(1e-6))
        difference -= tone
        return difference

    def disagreement(self, motion: RigidMotion, *, where: Mask) -> float:
        """Mean truncated log difference: what moved by itself counts the same either way."""
        return mean_size(self.difference(motion, where=where), where=where)

    def likeness(self, motion: RigidMotion) -> float:
        """Correlation of what overlaps after `motion` is undone."""
        # A grid of rows and columns is as good as all of them.
        every = math.isqrt(self.fixed.size // _LIKE) or 1
        inside = self.undo(np.ones_like(self.seen_moving), motion)[::every, ::every] > 0
        if inside.sum() < 16:
            return -1.0
        moved = self.undo(self.moving, motion)[::every, ::every]
        fixed = self.fixed[::every, ::every]
        one, two = fixed[inside].astype(np.float64), moved[inside].astype(np.float64)
        one, two = one - one.mean(), two - two.mean()
        # Sums of products rather than `@`, which wakes threads for a millisecond's work.
        norm = math.sqrt(float((one * one).sum()) * float((two * two).sum()))
        return float((one * two).sum()) / norm if norm > 0 else -1.0

    def undo(self, image: NDArray[Any], motion: RigidMotion, flags: int = 1) -> NDArray[Any]:
        """`image` as seen from the reference, 0 outside; `flags` are INTER_LINEAR by default."""
        cv2 = self.cv2
        size = (image.shape[1], image.shape[0])
        moved: NDArray[Any] = cv2.warpAffine(
            image, motion.matrix, size, flags=flags | cv2.WARP_INVERSE_MAP
        )
        return moved

    def sample(self, image: NDArray[Any], places: FloatArray, flags: int = 1) -> NDArray[Any]:
        """The values of :meth:`undo` at `places`, see :func:`moved`."""
        sampled: NDArray[Any] = self.cv2.remap(image, *places, flags)
        return sampled[:, 0]


def moved(positions: NDArray[np.float64], motion: RigidMotion) -> FloatArray:
    """(2, n) positions x, y of the reference → (2, n, 1), of the other picture; n < 32767."""
    places = np.dot(motion.matrix[:, :2], positions)
    places += motion.matrix[:, 2:]
    moved: FloatArray = places.astype(np.float32)[..., np.newaxis]
    return moved


def mean_size(difference: FloatArray, *, where: Mask | NDArray[np.bool_]) -> float:
    """Mean absolute log difference, truncated at `TRUNCATED`; infinity if `where` is nowhere."""
    sizes = np.abs(difference[where > 0])
    return float(np.minimum(sizes, TRUNCATED).mean()) if sizes.size else math.inf
