"""`RigidMotion`: the camera's motion between two frames; `MovedPixels`: a frame with it undone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.opencv import load_cv2
from ahdr_cli.images import FloatArray

__all__ = ["MovedPixels", "RigidMotion"]

_STEPS = 32
"""Positions are rounded to this part of a pixel, which is as finely as OpenCV interpolates."""

_TAPS = 3
"""Pixels around a position that bicubic interpolation reaches, and one for rounding."""

_STRIP = 1 << 19  # pixels moved at once
_WIDEST = 1 << 14  # of their columns: OpenCV moves to and from less than 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class RigidMotion:
    """Rotation and shift from the reference frame's pixel positions to another frame's.

    Attributes:
        matrix: (2, 3) float64: (x', y') = matrix · (x, y, 1), pixel centres at integers.
    """

    matrix: NDArray[np.float64] = field(default_factory=lambda: np.eye(2, 3))

    @classmethod
    def of_shift(cls, shift: tuple[float, float]) -> RigidMotion:
        """A motion by (x, y) in pixels, without rotation."""
        return cls(np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]]))

    @classmethod
    def about(
        cls, centre: tuple[float, float], *, radians: float, shift: tuple[float, float]
    ) -> RigidMotion:
        """A rotation about (x, y), then a shift, in pixels."""
        cosine, sine = math.cos(radians), math.sin(radians)
        turn = np.array([[cosine, -sine], [sine, cosine]])
        return cls(np.column_stack((turn, np.add(centre, shift) - turn @ centre)))

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
        """Whether nothing moves."""
        return bool(np.array_equal(self.matrix, np.eye(2, 3)))

    def displacement(self, size: tuple[int, ...]) -> float:
        """How far the farthest corner of a picture of `size` (height, width) moves, in pixels."""
        height, width = size
        # Plain numbers: this is asked for often, and numpy takes ten times as long for four.
        (a, b, right), (c, d, down) = self.matrix.tolist()
        return max(
            math.hypot(a * x + b * y + right - x, c * x + d * y + down - y)
            for x, y in product((0, width), (0, height))
        )

    def distance(self, other: RigidMotion, size: tuple[int, ...]) -> float:
        """How far apart the two move the farthest corner of a picture of `size`, in pixels."""
        apart = self.matrix - other.matrix + np.eye(2, 3)
        return RigidMotion(apart).displacement(size)

    def after(self, first: RigidMotion) -> RigidMotion:
        """The motion `first`, then this one."""
        matrix = self.matrix[:, :2] @ first.matrix
        matrix[:, 2] += self.matrix[:, 2]
        return RigidMotion(matrix)

    def scaled(self, scale: float) -> RigidMotion:
        """The same motion for pixels `1 / scale` as large.

        Pixel centres are at integers, so the picture's corner is at -1/2 and x_small =
        scale · (x + 1/2) - 1/2: A x + b becomes A x + scale · b + (scale - 1)/2 · (1 - A) · 1.
        """
        matrix = self.matrix.copy()
        turned = self.matrix[:, :2] @ np.ones(2)
        matrix[:, 2] = scale * self.matrix[:, 2] + 0.5 * (scale - 1.0) * (1.0 - turned)
        return RigidMotion(matrix)


class MovedPixels:
    """A frame's pixels as seen from the reference, computed where and when they are asked for.

    Bicubic, clipped to [0, 1], the border repeated. A pixel has the same value (to the last bit
    but one) whatever part of the picture is asked for, so tiles that overlap agree, and no
    second picture is ever held.

    Args:
        pixels: (H, W, 3) float32 in [0, 1].
        motion: of the frame against the reference.
    """

    def __init__(self, pixels: FloatArray, motion: RigidMotion) -> None:
        self._pixels = pixels
        self._motion = motion

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, 3)."""
        return self._pixels.shape

    def __getitem__(self, box: tuple[slice, slice]) -> FloatArray:
        """The pixels (h, w, 3) of a box of rows and columns, a new array."""
        height, width = self._pixels.shape[:2]
        rows, columns = (range(*s.indices(n)) for s, n in zip(box, (height, width), strict=True))
        part = np.empty((len(rows), len(columns), 3), np.float32)
        step = max(_STRIP // max(min(len(columns), _WIDEST), 1), 1)
        for top, left in product(range(0, len(rows), step), range(0, len(columns), _WIDEST)):
            below, right = top + step, left + _WIDEST
            self._move(rows[top:below], columns[left:right], out=part[top:below, left:right])
        return part

    def _move(self, rows: range, columns: range, *, out: FloatArray) -> None:
        cv2 = load_cv2()
        (x, y), (across, down) = self._positions(rows, columns)
        part = self._pixels[down, across]
        cv2.remap(part, x, y, cv2.INTER_CUBIC, dst=out, borderMode=cv2.BORDER_REPLICATE)
        np.clip(out, 0.0, 1.0, out=out)

    def _positions(self, rows: range, columns: range) -> tuple[FloatArray, list[slice]]:
        """Where a box of the reference's pixels lies in the frame.

        Args:
            rows: of the box, in steps of one.
            columns: likewise.

        Returns:
            (2, rows, columns) x and y relative to the first of the frame's pixels that
            interpolation touches, and these: columns and rows.
        """
        # Both at once, and ranges as arrays, which numpy would look at number by number: what is
        # asked for is often small, and then the calls take the time. Steps are rounded before
        # anything else, so that the origin of a part makes no difference.
        of_x, of_y, shift = (self._motion.matrix * _STEPS).T[:, :, None, None]
        steps = of_x * _numbers(columns) + of_y * _numbers(rows)[:, None]
        steps += shift
        np.rint(steps, out=steps)
        corners = steps[:, :: max(len(rows) - 1, 1), :: max(len(columns) - 1, 1)] / _STEPS
        touched = [
            _reach(positions, side)
            for positions, side in zip(
                corners.reshape(2, -1).tolist(), self._pixels.shape[1::-1], strict=True
            )
        ]
        steps -= np.array([[[first * _STEPS]] for first, _ in touched], np.float64)
        positions = steps.astype(np.float32)
        positions *= np.float32(1 / _STEPS)
        return positions, [slice(*each) for each in touched]


def _numbers(whole: range) -> NDArray[np.float64]:
    """The numbers of a range with steps of one."""
    return np.arange(whole.start, whole.stop, dtype=np.float64)


def _reach(positions: list[float], side: int) -> tuple[int, int]:
    """First and last + 1 of the `side` pixels that interpolation at such positions touches."""
    first = min(max(math.floor(min(positions)) - _TAPS, 0), side - 1)
    last = min(max(math.ceil(max(positions)) + _TAPS + 1, first + 1), side)
    return first, last
