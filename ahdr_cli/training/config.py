"""`TrainConfig`: every choice of a training run, as nested frozen dataclasses.

A run is described by one TOML file with these tables (see :mod:`ahdr_cli.training.config_file`);
presets lie in the folder `presets` beside this file. Durations are in minutes, patch sizes in
pixels, weights and decays dimensionless.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from ahdr_cli.errors import UsageError
from ahdr_cli.training.recipe import Recipe

if TYPE_CHECKING:
    # Only for the annotation: reading a configuration must not cost an import of torch.
    from ahdr_cli.networks.config import AnyConfig

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
    "TrainConfig",
    "ValidationSettings",
]


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise UsageError(f"{name} must be positive, got {value}")


def _not_negative(name: str, value: float) -> None:
    if not value >= 0:
        raise UsageError(f"{name} must not be negative, got {value}")


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
        _positive("stages.patch", self.patch)
        _positive("stages.batch", self.batch)
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
        _positive("optimiser.lr", self.lr)
        _positive("optimiser.eps", self.eps)
        _positive("optimiser.accumulate", self.accumulate)
        _not_negative("optimiser.clip", self.clip)
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
        if self.steps is not None:
            _positive("schedule.steps", self.steps)
        if self.max_minutes is not None:
            _positive("schedule.max_minutes", self.max_minutes)
        _not_negative("schedule.warmup_steps", self.warmup_steps)
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
    mu: float = 5000.0
    linear: float = 0.0
    fft: float = 0.0
    clipped: float = 0.0
    own: float = 0.0

    def __post_init__(self) -> None:
        _positive("loss.mu", self.mu)
        for name in ("linear", "fft", "clipped", "own"):
            _not_negative(f"loss.{name}", getattr(self, name))


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
        _not_negative("teacher.weight", self.weight)


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
        if self.every_steps is not None:
            _positive("validation.every_steps", self.every_steps)
        if self.every_minutes is not None:
            _positive("validation.every_minutes", self.every_minutes)
        _positive("validation.samples", self.samples)
        _positive("validation.patch", self.patch)


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
        if self.every_minutes is not None:
            _positive("checkpoint.every_minutes", self.every_minutes)
        if self.every_steps is not None:
            _positive("checkpoint.every_steps", self.every_steps)


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
        _positive("logging.every_steps", self.every_steps)


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
        _not_negative("runtime.threads", self.threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """A whole run.

    Attributes:
        seed: of the initial weights and of the samples.
        init: ``xavier``, ``kaiming``, or the name or path of weights to start from.
        stages: patch and batch sizes in order; ``until`` rises, the last one is 1.
        recipe: the mixture of synthetic brackets, where the engine makes them.
        model, optimiser, schedule, loss, teacher, ema, validation, checkpoint, logging,
            runtime: tables.
    """

    seed: int = 0
    init: str = "xavier"
    model: ModelSettings = field(default_factory=ModelSettings)
    stages: tuple[StageSettings, ...] = (StageSettings(patch=256, batch=8),)
    recipe: Recipe = field(default_factory=Recipe)
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    teacher: TeacherSettings = field(default_factory=TeacherSettings)
    ema: EmaSettings = field(default_factory=EmaSettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)
    checkpoint: CheckpointSettings = field(default_factory=CheckpointSettings)
    logging: LoggingSettings = field(default_factory=LoggingSettings)
    runtime: RuntimeSettings = field(default_factory=RuntimeSettings)

    def __post_init__(self) -> None:
        _not_negative("seed", self.seed)
        ends = [stage.until for stage in self.stages]
        if not ends or ends[-1] != 1 or ends != sorted(set(ends)):
            raise UsageError(
                f"stages must end at rising fractions of the run, the last at 1, got {ends}"
            )
        if self.schedule.steps is None and self.schedule.max_minutes is None:
            raise UsageError(
                "neither schedule.steps nor schedule.max_minutes says when training ends",
                hint="pass --set schedule.steps=N or --set schedule.max_minutes=M",
            )
        for stage in self.stages:
            if stage.batch % self.optimiser.accumulate:
                raise UsageError(
                    f"a batch of {stage.batch} cannot be cut into "
                    f"{self.optimiser.accumulate} equal parts",
                    hint="choose optimiser.accumulate to divide every stage's batch",
                )

    def to_dict(self) -> dict[str, Any]:
        """Tables, lists and plain values, as in TOML or JSON.

        The inverse is :func:`ahdr_cli.training.config_file.build_config`.
        """
        table: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return table

    def network_config(self) -> AnyConfig:
        """The network's configuration.

        Raises:
            UsageError: no such variant, or a value that the network refuses.
        """
        from ahdr_cli.networks.variants import MODELS

        table = asdict(self.model)
        variant = table.pop("variant")
        if variant not in MODELS:
            raise UsageError(f"no variant {variant!r}", hint=f"one of {', '.join(MODELS)}")
        known = MODELS[variant]
        replaced = {name: value for name, value in table.items() if value is not None}
        for name in replaced:
            if not hasattr(known, name):
                raise UsageError(
                    f"model.{name} has no meaning for the variant {variant!r}",
                    hint=f"it has {', '.join(field.name for field in fields(known))}",
                )
        try:
            return replace(known, **replaced)
        except ValueError as error:
            raise UsageError(f"model: {error}") from error
