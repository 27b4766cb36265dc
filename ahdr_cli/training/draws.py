"""Seeded random numbers, one independent stream per sample.

Each sample owns the Philox stream with the key (seed, index), of which one row of uniform
numbers is taken. All later drawing is arithmetic on whole columns, so a batch of any size costs
a few vectorised operations, and a sample never depends on who else is in its batch. Methods
consume columns in call order: add new calls at the end to leave old draws unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoolArray", "Draws", "FloatArray", "IntArray", "stream_seed"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_MASK = (1 << 64) - 1


def stream_seed(seed: int, index: int, purpose: int) -> int:
    """A 63-bit seed for another generator, well mixed from its three parts (SplitMix64)."""
    mixed = (seed * 0x9E3779B97F4A7C15 + index * 0xD1B54A32D192ED03 + purpose) & _MASK
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = ((mixed ^ (mixed >> shift)) * factor) & _MASK
    return (mixed ^ (mixed >> 31)) >> 1


class Draws:
    """Columns of random numbers for the samples `indices`.

    Args:
        seed: of the whole run, ≥ 0.
        indices: of the samples, ≥ 0.
        width: how many uniform numbers each sample may consume.
    """

    def __init__(self, seed: int, indices: Sequence[int], *, width: int) -> None:
        rows = [
            np.random.Generator(
                np.random.Philox(key=np.array([seed, index], dtype=np.uint64))
            ).random(width)
            for index in indices
        ]
        self._rows = np.stack(rows) if rows else np.empty((0, width))
        self._next = 0

    def unit(self, *shape: int) -> FloatArray:
        """Uniform in [0, 1), shape (N, *shape)."""
        count = int(np.prod(shape, dtype=np.int64))
        columns = self._rows[:, self._next : self._next + count]
        assert columns.shape[1] == count, "Draws: width is too small"
        self._next += count
        return columns.reshape(-1, *shape)

    def uniform(self, low: float, high: float, *shape: int) -> FloatArray:
        """Uniform in [low, high)."""
        return low + (high - low) * self.unit(*shape)

    def log_uniform(self, low: float, high: float, *shape: int) -> FloatArray:
        """Uniform in the logarithm, in [low, high); low > 0."""
        return low * (high / low) ** self.unit(*shape)

    def normal(self, sigma: float, *shape: int) -> FloatArray:
        """Normal with mean 0, cut at about ±5.6 σ (Box–Muller)."""
        radius = np.sqrt(-2.0 * np.log(np.maximum(1.0 - self.unit(*shape), 1e-7)))
        return sigma * radius * np.cos(2.0 * np.pi * self.unit(*shape))

    def chance(self, probability: float, *shape: int) -> BoolArray:
        """True with the given probability."""
        return self.unit(*shape) < probability

    def choice(self, weights: Sequence[float] | FloatArray, *shape: int) -> IntArray:
        """Index drawn in proportion to `weights`."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        index = np.searchsorted(edges, self.unit(*shape) * edges[-1], side="right")
        chosen: IntArray = np.minimum(index, len(edges) - 1).astype(np.int64)
        return chosen
