"""`TrainConfig`: every choice of a training run, as nested frozen dataclasses.

A run is described by one TOML file with the tables of :mod:`ahdr_cli.training.settings` (see
:mod:`ahdr_cli.training.config_file`); presets lie in the folder `presets` beside this file.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from ahdr_cli.errors import UsageError
from ahdr_cli.training.recipe import Recipe
from ahdr_cli.training.settings import (
    CheckpointSettings,
    EmaSettings,
    LoggingSettings,
    LossSettings,
    ModelSettings,
    OptimiserSettings,
    RuntimeSettings,
    ScheduleSettings,
    StageSettings,
    TeacherSettings,
    ValidationSettings,
)

if TYPE_CHECKING:
    # Only for the annotation: reading a configuration must not cost an import of torch.
    from ahdr_cli.networks.config import AnyConfig

__all__ = ["TrainConfig"]

_SEEDS = 1 << 63
"""As many as torch's generators take."""


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
        if not 0 <= self.seed < _SEEDS:
            raise UsageError(f"seed must lie between 0 and {_SEEDS - 1}, got {self.seed}")
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
