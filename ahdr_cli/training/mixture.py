"""`MixedEngine`: several engines as one, each sample made by one of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ahdr_cli.training.batch import Batch, Engine
from ahdr_cli.training.draws import stream_seed

__all__ = ["MixedEngine"]

_CHOICE = 2  # purpose number of the stream that chooses
_STREAM_END = 2.0**63


class MixedEngine:
    """Gives each sample to one of several engines, in fixed proportions.

    Which one depends on the seed and the sample's index alone.

    Args:
        engines: at least one, all on the same device.
        weights: > 0, the share of the samples that each engine makes; any unit.
        seed: ≥ 0.
    """

    def __init__(self, engines: Sequence[Engine], *, weights: Sequence[float], seed: int) -> None:
        assert len(engines) == len(weights) > 0
        self._engines = tuple(engines)
        self._edges = np.cumsum(weights) / np.sum(weights)
        self._seed = seed

    @property
    def device(self) -> torch.device:
        """Where the batches live."""
        return self._engines[0].device

    def engine_of(self, index: int) -> int:
        """The number of the engine that makes sample `index`."""
        unit = stream_seed(self._seed, index, _CHOICE) / _STREAM_END
        return int(np.searchsorted(self._edges[:-1], unit, side="right"))

    def batch(self, indices: Sequence[int], *, patch: int) -> Batch:
        """The samples `indices`; see :class:`ahdr_cli.training.batch.Engine`."""
        chosen = np.array([self.engine_of(index) for index in indices])
        parts, rows = [], []
        for number, engine in enumerate(self._engines):
            own = np.flatnonzero(chosen == number)
            if len(own):
                parts.append(engine.batch([indices[int(row)] for row in own], patch=patch))
                rows.append(own)
        if len(parts) == 1:
            return parts[0]
        order = torch.from_numpy(np.argsort(np.concatenate(rows))).to(self.device)
        return Batch(*(torch.cat(same).index_select(0, order) for same in zip(*parts, strict=True)))
