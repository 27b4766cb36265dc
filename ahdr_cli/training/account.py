"""The provenance of trained weights, as stored in their header.

Weights travel, and the folders of the machine that made them are private, so files are named
without them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ahdr_cli._version import __version__
from ahdr_cli.training.config import TrainConfig
from ahdr_cli.training.distributed import Processes
from ahdr_cli.training.run_state import Counters

__all__ = ["account_of", "name_sources"]


def account_of(
    config: TrainConfig, *, origin: str, at: Counters, processes: Processes
) -> dict[str, str]:
    """How weights came about.

    Args:
        config: of the run.
        origin: what it began with.
        at: how far it is.
        processes: that train.
    """
    device = processes.device
    kind = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {
        "origin": f"trained from {origin}",
        "recipe": json.dumps(_with_bare_names(config.to_dict())),
        "extent": f"{at.step} steps, {at.samples} samples, {at.seconds / 3600:.2f} h",
        "hardware": f"{processes.count} x {kind}",
        "code": f"ahdr {__version__}, torch {torch.__version__}",
    }


def name_sources(sources: Sequence[str]) -> str:
    """The training data, ``hdr:/some/where/maps`` as ``hdr:maps``."""
    parted = [source.rpartition(":") for source in sources]
    return ", ".join(f"{kind}{colon}{Path(path).name}" for kind, colon, path in parted)


def _with_bare_names(recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe with weights named by their files alone."""
    teacher = recipe["teacher"]
    named = teacher["model"] and Path(teacher["model"]).name
    return recipe | {"init": Path(recipe["init"]).name, "teacher": teacher | {"model": named}}
