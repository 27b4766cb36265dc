"""Models on disk: what is shipped, how it is verified, and how others' weights come in.

Names are imported on first use: the weights of others need torch, ours do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ahdr_cli._lazy import lazy_names

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "checkpoint": ("Checkpoint",),
        "foreign": ("import_checkpoint",),
        "header": ("CheckpointHeader", "read_header"),
        "manifest": ("ModelEntry", "read_manifest"),
        "registry": ("available_models", "default_model", "find_model"),
        "storage": ("load_checkpoint", "save_checkpoint", "verify_model"),
    },
)
