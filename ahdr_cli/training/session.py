"""A whole training session from words: what ``ahdr train`` and ``python -m ahdr_cli.training`` do.

How sources are named and opened is the business of an `EngineOpener`, so that the same session
runs from packed shards on a bare machine and from folders of photographs elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch

from ahdr_cli.errors import OutOfMemoryError, UsageError
from ahdr_cli.inference.allocation import translated_allocation_errors
from ahdr_cli.training.account import name_sources
from ahdr_cli.training.batch import Batch, Engine
from ahdr_cli.training.config import TrainConfig
from ahdr_cli.training.config_file import load_config, override_config
from ahdr_cli.training.distributed import join_processes
from ahdr_cli.training.events import EventSink
from ahdr_cli.training.loop import TrainResult, train
from ahdr_cli.training.memory import require_memory, training_bytes, validation_bytes
from ahdr_cli.training.recipe import Recipe
from ahdr_cli.training.run_state import RunState, load_state
from ahdr_cli.training.validation import held_out

__all__ = ["VALIDATION_SEED", "EngineOpener", "resolve_config", "run_session"]

_SMALLER = "choose smaller patches, batches or networks: --set 'stages=[{patch=64, batch=8}]'"

VALIDATION_SEED = 20190616
"""Of the held-out samples. It is no setting, so that the scores of all runs compare."""


class EngineOpener(Protocol):
    """Makes an engine from the words of ``--data``."""

    def __call__(
        self, sources: Sequence[str], *, seed: int, recipe: Recipe, device: torch.device
    ) -> Engine:
        """Open `sources`; UsageError or InputError if that cannot be done."""
        ...


def resolve_config(
    preset_or_path: str | Path | None, *, overrides: Sequence[str], state: RunState | None
) -> TrainConfig:
    """The configuration of a new run (default: ``release``), or of a resumed one.

    A resumed run keeps its own configuration, changed by `overrides` alone.

    Raises:
        UsageError: a preset for a resumed run, or a wrong preset or override.
    """
    if state is None:
        return load_config(preset_or_path or "release", overrides=overrides)
    if preset_or_path is not None:
        raise UsageError(
            f"a resumed run keeps its configuration, but {str(preset_or_path)!r} was given",
            hint="change single values with --set",
        )
    return override_config(state.config, overrides)


def run_session(  # noqa: PLR0913 - each is one option of the command
    opener: EngineOpener,
    *,
    data: Sequence[str],
    out: str | Path,
    validation: Sequence[str] = (),
    preset_or_path: str | Path | None = None,
    overrides: Sequence[str] = (),
    resume: bool = False,
    on_event: EventSink | None = None,
) -> TrainResult:
    """Configure, open the data, train.

    Args:
        opener: makes engines from `data` and `validation`.
        data: sources of the training samples.
        out: the run's folder.
        validation: sources of the held-out samples; none, no validation.
        preset_or_path: a preset or a TOML file; not when resuming.
        overrides: ``table.key=value`` each.
        resume: go on with the run in `out`.
        on_event: told of progress, on the main process only.

    Raises:
        OutOfMemoryError: patches, batches or validation samples that do not fit.
        AhdrError: as :func:`resolve_config`, `opener` and :func:`train` say.
    """
    state = load_state(out) if resume else None
    config = resolve_config(preset_or_path, overrides=overrides, state=state)
    config.network_config()  # raises before anything is opened
    processes = join_processes(config.runtime.device)
    try:
        _check_memory(config, device=processes.device, validating=bool(validation))
        engine = opener(data, seed=config.seed, recipe=config.recipe, device=processes.device)
        batches: list[Batch] = []
        with translated_allocation_errors():
            if validation:
                examiner = opener(
                    validation, seed=VALIDATION_SEED, recipe=Recipe(), device=processes.device
                )
                rule = config.validation
                batches = held_out(examiner, samples=rule.samples, patch=rule.patch)
            return train(
                config,
                engine,
                out=out,
                validation=batches,
                resume=state,
                processes=processes,
                on_event=on_event,
                provenance={"data": name_sources(data)},
            )
    except OutOfMemoryError as error:
        raise OutOfMemoryError(error.message, hint=error.hint or _SMALLER) from error
    finally:
        processes.close()


def _check_memory(config: TrainConfig, *, device: torch.device, validating: bool) -> None:
    network = config.network_config()
    for stage in config.stages:
        require_memory(
            training_bytes(stage, network),
            device=device,
            what=f"a network and {stage.batch} patches of {stage.patch}x{stage.patch} pixels",
            hint=_SMALLER,
        )
    rule = config.validation
    if validating:
        require_memory(
            validation_bytes(rule),
            device="cpu",
            what=f"{rule.samples} validation samples of {rule.patch}x{rule.patch} pixels",
            hint="choose smaller validation.samples or validation.patch",
        )
