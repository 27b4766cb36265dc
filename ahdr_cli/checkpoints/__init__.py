"""Models on disk: what is shipped, how it is verified, and how others' weights come in.

Names are imported on first use: the weights of others need torch, ours do not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ahdr_cli.checkpoints.checkpoint import Checkpoint
    from ahdr_cli.checkpoints.foreign import import_checkpoint
    from ahdr_cli.checkpoints.header import CheckpointHeader, read_header
    from ahdr_cli.checkpoints.manifest import ModelEntry, read_manifest
    from ahdr_cli.checkpoints.registry import available_models, default_model, find_model
    from ahdr_cli.checkpoints.storage import load_checkpoint, save_checkpoint, verify_model

__all__ = [
    "Checkpoint",
    "CheckpointHeader",
    "ModelEntry",
    "available_models",
    "default_model",
    "find_model",
    "import_checkpoint",
    "load_checkpoint",
    "read_header",
    "read_manifest",
    "save_checkpoint",
    "verify_model",
]

_HOMES = {
    "Checkpoint": "checkpoint",
    "CheckpointHeader": "header",
    "ModelEntry": "manifest",
    "available_models": "registry",
    "default_model": "registry",
    "find_model": "registry",
    "import_checkpoint": "foreign",
    "load_checkpoint": "storage",
    "read_header": "header",
    "read_manifest": "manifest",
    "save_checkpoint": "storage",
    "verify_model": "storage",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
