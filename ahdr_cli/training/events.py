"""What a run reports as it goes: to the log, to TensorBoard, and to whoever draws progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Event", "EventSink", "Progress", "Saved", "Validated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Some steps were taken.

    Attributes:
        step: steps taken in all.
        samples: samples seen in all, by all processes.
        fraction: of the run that is done, in [0, 1].
        loss: mean since the last report.
        gradient_norm: mean since the last report, before clipping.
        lr: of the latest step.
        patch: side of the latest step's patches.
        samples_per_second: since the last report, validation left out.
        seconds: training time so far.
        remaining: estimate of the seconds left, None while there is nothing to estimate from.
    """

    step: int
    samples: int
    fraction: float
    loss: float
    gradient_norm: float
    lr: float
    patch: int
    samples_per_second: float
    seconds: float
    remaining: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """The averaged weights were measured.

    Attributes:
        step: steps taken in all.
        psnr_mu, psnr_l: means over the validation samples, in dB.
        best: whether this is the run's highest PSNR-μ so far.
    """

    step: int
    psnr_mu: float
    psnr_l: float
    best: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The training state is on disk: a kill from now on loses nothing before `step`."""

    step: int


Event: TypeAlias = Progress | Validated | Saved
EventSink: TypeAlias = Callable[[Event], None]
