"""`Bracket`: exactly three frames of one size, ordered by exposure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket.relative import EQUAL_EV, exposures_of, relative_exposures
from ahdr_cli.errors import EqualExposuresError, FrameCountError, SizeMismatchError, counted
from ahdr_cli.images import Frame

__all__ = ["Bracket", "check_sizes"]


@dataclass(frozen=True, slots=True, eq=False)
class Bracket:
    """Three photographs of one scene, short → long. Made by :meth:`from_frames`.

    Attributes:
        frames: of equal size, each with an exposure, at least `EQUAL_EV` apart.
    """

    frames: tuple[Frame, Frame, Frame]

    @classmethod
    def from_frames(cls, frames: Sequence[Frame]) -> Bracket:
        """Order and validate three frames, given in any order.

        Raises:
            FrameCountError: not exactly three.
            MissingExposureError: a frame has no exposure.
            ExposureError: exposures further apart than any camera could take them.
            EqualExposuresError: two frames have the same exposure.
            SizeMismatchError: the frames differ in size.
        """
        if len(frames) != 3:
            raise FrameCountError(f"{counted(len(frames), 'frame')} given, expected exactly 3")
        check_sizes(frames)
        ratios = relative_exposures(exposures_of(frames))
        order = sorted(range(3), key=ratios.__getitem__)
        for one, other in pairwise(order):
            if math.log2(ratios[other] / ratios[one]) < EQUAL_EV:
                raise EqualExposuresError(
                    f"same exposure as {frames[one].name}",
                    path=frames[other].name,
                    hint="take frames that differ, or correct them with --exposures or --ev",
                )
        short, middle, long = (frames[i] for i in order)
        return cls((short, middle, long))

    @property
    def reference(self) -> Frame:
        """The middle frame, whose geometry and white the result has."""
        return self.frames[1]

    @property
    def ratios(self) -> NDArray[np.float64]:
        """(3,) effective exposures relative to the shortest: 1.0 first, ascending."""
        return np.array(relative_exposures(exposures_of(self.frames)), dtype=np.float64)

    @property
    def spacing_ev(self) -> tuple[float, float]:
        """(2,) steps short → middle and middle → long in EV, > 0."""
        low, high = np.diff(np.log2(self.ratios)).tolist()
        return low, high

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of every frame."""
        return self.reference.size


def check_sizes(frames: Sequence[Frame]) -> None:
    """Refuse frames of one scene that differ in size.

    Raises:
        SizeMismatchError: one of them has not the size of the first.
    """
    first = frames[0]
    for frame in frames[1:]:
        if frame.size != first.size:
            turned = frame.size == first.size[::-1]
            raise SizeMismatchError(
                f"{_size(frame)} pixels, but {first.name} has {_size(first)}",
                path=frame.name,
                hint="one is turned on its side: check their orientation"
                if turned
                else "all frames must have the same width and height",
            )


def _size(frame: Frame) -> str:
    height, width = frame.size
    return f"{width}x{height}"
