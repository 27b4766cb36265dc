"""The tables of a run's configuration, each a frozen dataclass that refuses what has no meaning.

Durations are in minutes, patch sizes in pixels, weights and decays dimensionless. A value without
meaning raises UsageError with the setting's name in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ahdr_cli.errors import UsageError
from ahdr_cli.radiometry.transfer import MU

__all__ = [
    "CheckpointSettings",
    "EmaSettings",
    "LoggingSettings",
    "LossSettings",
    "ModelSettings",
    "OptimiserSettings",
    "RuntimeSettings",
    "ScheduleSettings",
    "StageSettings",
    "TeacherSettings",
    "ValidationSettings",
    "not_negative",
    "positive",
]

_MOST_CHANNELS = 4096
_MOST_LAYERS = 256
_MOST_THREADS = 1024


def positive(name: str, value: float | None) -> None:
    """Raise UsageError unless the value of a setting is above 0, or None where that is allowed."""
    if value is not None and not value > 0:
        raise UsageError(f"{name} must be positive, got {value}")


def not_negative(name: str, value: float) -> None:
    """Raise UsageError if the value of a setting is below 0."""
    if not value >= 0:
        raise UsageError(f"{name} must not be negative, got {value}")


def _at_most(name: str, value: int, most: int) -> None:
    if value > most:
        raise UsageError(f"{name} must be at most {most}, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """What is trained; None keeps the variant's own value.

    Attributes:
        variant: a name in :data:`ahdr_cli.networks.variants.MODELS`.
        num_blocks, layers, features, growth: fields of ``AHDRConfig`` to replace.
        features, shallow, detail, dilations: fields of ``FastConfig`` to replace.
    """

    variant: str = "ahdrnet"
    num_blocks: int | None = None
    layers: int | None = None
    features: int | None = None
    growth: int | None = None
    shallow: int | None = None
    detail: int | None = None
    dilations: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        for most, names in (
            (_MOST_LAYERS, ("num_blocks", "layers")),
            (_MOST_CHANNELS, ("features", "growth", "shallow", "detail")),
        ):
            for name in names:
                _at_most(f"model.{name}", getattr(self, name) or 0, most)
        _at_most("model.dilations", max(self.dilations or (0,)), _MOST_CHANNELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """One stage of a run with growing patches.

    Attributes:
        patch: side of the square training patches.
        batch: patches per step *and process*.
        until: fraction of the run, in (0, 1], at which the next stage begins.
    """

    patch: int
    batch: int
    until: float = 1.0

    def __post_init__(self) -> None:
        positive("stages.patch", self.patch)
        positive("stages.batch", self.batch)
        if not 0 < self.until <= 1:
            raise UsageError(f"stages.until must be in (0, 1], got {self.until}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimiserSettings:
    """Adam (Kingma & Ba, ICLR 2015).

    Attributes:
        lr: learning rate at the top of the schedule.
        beta1, beta2, eps: Adam's own.
        clip: largest L2 norm of the gradient; 0 leaves it alone.
        accumulate: parts into which a batch is cut to save memory; the result is the same.
    """

    lr: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    clip: float = 0.0
    accumulate: int = 1

    def __post_init__(self) -> None:
        positive("optimiser.lr", self.lr)
        positive("optimiser.eps", self.eps)
        positive("optimiser.accumulate", self.accumulate)
        not_negative("optimiser.clip", self.clip)
        for name, value in (("beta1", self.beta1), ("beta2", self.beta2)):
            if not 0 <= value < 1:
                raise UsageError(f"optimiser.{name} must be in [0, 1), got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """How long, and how the learning rate falls; see :mod:`ahdr_cli.training.schedule`.

    Attributes:
        steps: optimiser steps in the run, or None.
        max_minutes: training time in the run, or None. With both, whichever ends first.
        warmup_steps: steps over which the learning rate rises linearly from zero.
        shape: ``cosine`` or ``constant``.
        floor: final learning rate as a fraction of the top, for ``cosine``.
    """

    steps: int | None = None
    max_minutes: float | None = None
    warmup_steps: int = 0
    shape: Literal["cosine", "constant"] = "cosine"
    floor: float = 0.0

    def __post_init__(self) -> None:
        positive("schedule.steps", self.steps)
        positive("schedule.max_minutes", self.max_minutes)
        not_negative("schedule.warmup_steps", self.warmup_steps)
        if not 0 <= self.floor <= 1:
            raise UsageError(f"schedule.floor must be in [0, 1], got {self.floor}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSettings:
    """What is minimised; see :mod:`ahdr_cli.training.loss`.

    Attributes:
        kind: distance in the μ-law domain, ``l1`` as in the paper or ``l2``.
        mu: compression of the μ-law.
        linear: weight of the L1 distance of linear values, which sees highlights.
        fft: weight of the L1 distance of μ-law spectra, which sees texture.
        clipped: additional weight of pixels that are clipped in the reference frame.
        own: weight of the same distance between a choosing network's own picture and the truth;
            what is rarely chosen is else rarely corrected, and then never chosen. A network
            that paints has no other picture, and nothing is added.
    """

    kind: Literal["l1", "l2"] = "l1"
    mu: float = MU
    linear: float = 0.0
    fft: float = 0.0
    clipped: float = 0.0
    own: float = 0.0

    def __post_init__(self) -> None:
        positive("loss.mu", self.mu)
        for name in ("linear", "fft", "clipped", "own"):
            not_negative(f"loss.{name}", getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherSettings:
    """Weights whose choice between the frames is imitated; see :mod:`ahdr_cli.training.teacher`.

    Attributes:
        model: name or path of weights of a network that chooses; None, no teacher.
        weight: of the divergence from the teacher's choice in the objective.
    """

    model: str | None = None
    weight: float = 0.02

    def __post_init__(self) -> None:
        not_negative("teacher.weight", self.weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmaSettings:
    """Exponential moving average of the weights, which is what is validated and kept.

    Attributes:
        decay: share of the old average that a step keeps; 0 keeps the latest weights only.
    """

    decay: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise UsageError(f"ema.decay must be in [0, 1), got {self.decay}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationSettings:
    """When and on how much the averaged weights are measured.

    Attributes:
        every_steps: steps between validations, or None.
        every_minutes: minutes between validations, or None.
        samples: number of fixed held-out samples, where the engine makes them.
        patch: their size.
        best_by: which score makes weights the best: ``psnr_mu``, ``psnr_l`` or their ``mean``.
    """

    every_steps: int | None = None
    every_minutes: float | None = None
    samples: int = 32
    patch: int = 256
    best_by: Literal["psnr_mu", "psnr_l", "mean"] = "psnr_mu"

    def __post_init__(self) -> None:
        positive("validation.every_steps", self.every_steps)
        positive("validation.every_minutes", self.every_minutes)
        positive("validation.samples", self.samples)
        positive("validation.patch", self.patch)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSettings:
    """When the state for ``--resume`` is saved, besides at validations and at the end.

    Attributes:
        every_minutes: minutes between saves, or None.
        every_steps: steps between saves, or None.
    """

    every_minutes: float | None = 10.0
    every_steps: int | None = None

    def __post_init__(self) -> None:
        positive("checkpoint.every_minutes", self.every_minutes)
        positive("checkpoint.every_steps", self.every_steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingSettings:
    """What is written down.

    Attributes:
        every_steps: steps per line of the log; losses are means over them.
        tensorboard: write TensorBoard events: ``auto`` if it is installed, ``on``, ``off``.
    """

    every_steps: int = 50
    tensorboard: Literal["auto", "on", "off"] = "auto"

    def __post_init__(self) -> None:
        positive("logging.every_steps", self.every_steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSettings:
    """How it is computed; nothing here changes what is learned, but for rounding.

    Attributes:
        device: ``auto`` (CUDA, then MPS, then CPU) or a torch device such as ``cuda:1``.
        precision: of the network's forward pass; ``auto`` is bf16 on CUDA (fp16 where the GPU
            has no bf16), else fp32. Weights, loss and optimiser are always fp32.
        compile: ``torch.compile``; ``auto`` means on CUDA with a working compiler.
        channels_last: NHWC convolutions; the faster layout on CPU and CUDA.
        prefetch: make the next batch in a thread; ``auto`` where CPU batches feed a GPU.
        deterministic: bit-exact GPU runs, at some cost in speed. On a CPU they always are.
        threads: CPU threads; 0 leaves torch's choice.
    """

    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    compile: Literal["auto", "on", "off"] = "auto"
    channels_last: bool = True
    prefetch: Literal["auto", "on", "off"] = "auto"
    deterministic: bool = False
    threads: int = 0

    def __post_init__(self) -> None:
        not_negative("runtime.threads", self.threads)
        _at_most("runtime.threads", self.threads, _MOST_THREADS)
