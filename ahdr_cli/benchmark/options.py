"""What to measure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ahdr_cli.errors import UsageError

__all__ = ["BenchmarkOptions"]

_LARGEST = 200.0  # megapixels, as many as a reader takes


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkOptions:
    """What to measure, and how often.

    Attributes:
        sizes: of the frames, in megapixels.
        network_up_to: megapixels beyond which neither network nor whole command are timed;
            everything else is.
        model: a registered name, the path of a checkpoint, or ``auto``, see
            :func:`ahdr_cli.inference.choice.choose_model`.
        device, runtime, precision: as in :class:`ahdr_cli.merging.MergeOptions`.
        repeats: timed runs of everything, after one that is not.
    """

    sizes: tuple[float, ...] = (0.4, 1.5)
    network_up_to: float = math.inf
    model: str = "auto"
    device: str = "auto"
    runtime: str = "auto"
    precision: str = "auto"
    repeats: int = 3

    def __post_init__(self) -> None:
        if not self.sizes:
            raise UsageError("no sizes were given")
        for size in self.sizes:
            if not 0.001 <= size <= _LARGEST:
                raise UsageError(f"sizes must lie within 0.001 and {_LARGEST:g} MP, got {size:g}")
        if self.repeats < 1:
            raise UsageError(f"repeats must be at least 1, got {self.repeats}")
