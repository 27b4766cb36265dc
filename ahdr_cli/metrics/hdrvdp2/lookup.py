"""Linear interpolation in a table over evenly spaced abscissae."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

__all__ = ["UniformTable"]


class UniformTable(NamedTuple):
    """A sampled function of one variable.

    Attributes:
        start: abscissa of the first value.
        stop: abscissa of the last value.
        values: (K,) samples, K ≥ 2.
    """

    start: float
    stop: float
    values: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Interpolate at `x`, which must lie in [start, stop] up to rounding."""
        last = self.values.numel() - 1
        position = (x - self.start) * (last / (self.stop - self.start))
        index = position.floor().clamp(0, last - 1)
        left = index.long()
        fraction = (position - index).clamp(0.0, 1.0)
        below = self.values[left]
        return below + fraction * (self.values[left + 1] - below)
