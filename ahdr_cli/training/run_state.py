"""The file that a run is resumed from: everything that the next step depends on.

It is a torch file of tensors and plain values, read with ``weights_only=True``, and written to a
temporary name first, so that a kill at any moment leaves the previous one whole.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from ahdr_cli.errors import InputError
from ahdr_cli.io.atomic import atomic_path
from ahdr_cli.training.config import TrainConfig
from ahdr_cli.training.config_file import build_config

__all__ = ["STATE_NAME", "Counters", "RunState", "load_state", "save_state"]

STATE_NAME = "state.pt"
"""The state's name in a run's folder."""

_FORMAT = "ahdr-training-state"
_VERSION = 1


@dataclass(slots=True)
class Counters:
    """Where a run stands.

    Attributes:
        step: optimiser steps taken.
        samples: samples seen by all processes; also the index of the next one.
        seconds: training time kept.
        validated_at, saved_at: `seconds` of the last validation and save.
        best: the best validation score by the configured criterion, in dB, or None.
        best_step: where it was reached.
        lr, patch: of the latest step.
        window_steps, window_sums: steps since the last line of the log, and the sums of loss
            and gradient norm over them.
    """

    step: int = 0
    samples: int = 0
    seconds: float = 0.0
    validated_at: float = 0.0
    saved_at: float = 0.0
    best: float | None = None
    best_step: int = 0
    lr: float = 0.0
    patch: int = 0
    window_steps: int = 0
    window_sums: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """A run, stopped between two steps.

    Attributes:
        config: as the run was told.
        counters: where it stands.
        origin: where the first weights came from.
        learner: ``Learner.state_dict()``.
        random: torch's CPU generator state.
    """

    config: TrainConfig
    counters: Counters
    origin: str
    learner: dict[str, Any]
    random: torch.Tensor


def save_state(path: Path, state: RunState) -> None:
    """Write `state`, atomically, over what was there.

    Raises:
        OutputError: it cannot be written.
    """
    values = {field.name: getattr(state, field.name) for field in fields(state)}
    values |= {"config": state.config.to_dict(), "counters": asdict(state.counters)}
    with atomic_path(path, overwrite=True) as temporary:
        torch.save({"format": _FORMAT, "version": _VERSION, **values}, temporary)


def load_state(path: str | Path) -> RunState:
    """Read what :func:`save_state` wrote, onto the CPU.

    Args:
        path: the file, or the folder of its run.

    Raises:
        InputError: no such file, or not a training state of this version.
    """
    path = Path(path)
    if path.is_dir():
        path = path / STATE_NAME
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(
            "there is no training state to resume from",
            path=path,
            hint="start anew without --resume; the first state is saved after some minutes",
        ) from error
    except Exception as error:  # damaged bytes make the unpickler raise nearly anything
        raise InputError("not a training state, or a damaged one", path=path) from error
    if not isinstance(values, dict) or values.pop("format", None) != _FORMAT:
        raise InputError("not a training state", path=path)
    version = values.pop("version", None)
    if version != _VERSION:
        raise InputError(
            f"training state of version {version}, this ahdr reads {_VERSION}",
            path=path,
            hint="warm-start from its weights instead: --set init=PATH/last.safetensors",
        )
    config = build_config(values.pop("config"))
    counters = Counters(**values.pop("counters"))
    return RunState(config=config, counters=counters, **values)
