"""TileBuffer: the memory of one tile, on the host or on a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from torch import Tensor

__all__ = ["TileBuffer"]

_INPUT, _OUTPUT = 9, 3  # values for each pixel: three frames and the result, RGB
_CONDITIONS = 4


@dataclass(frozen=True, slots=True, eq=False)
class TileBuffer:
    """What goes into the network and what comes out of it, all float32.

    Attributes:
        frames: (3, h, w, 3), as :class:`ahdr_cli.inference.runtime.Runtime` takes them.
        conditions: (4,), likewise.
        merged: (h, w, 3), the result.
    """

    frames: Tensor
    conditions: Tensor
    merged: Tensor

    @staticmethod
    def count(height: int, width: int) -> int:
        """Values that a tile takes."""
        return (_INPUT + _OUTPUT) * height * width + _CONDITIONS

    @classmethod
    def within(cls, memory: Tensor, height: int, width: int) -> Self:
        """At the beginning of (n,) float32, n at least `count`."""
        between = _INPUT * height * width
        end = between + _OUTPUT * height * width
        return cls(
            frames=memory[:between].view(3, height, width, 3),
            conditions=memory[end : end + _CONDITIONS],
            merged=memory[between:end].view(height, width, 3),
        )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.merged.shape[0], self.merged.shape[1]
