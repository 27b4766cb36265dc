"""`require_memory`: what cannot fit is refused before anything is computed.

Linux grants more memory than there is and kills the process that uses it, which no program can
report. The sizes here are lower bounds, so that nothing is refused that could have worked.
"""

from __future__ import annotations

import torch

from ahdr_cli.errors import OutOfMemoryError
from ahdr_cli.inference.memory import free_memory
from ahdr_cli.networks.config import AnyConfig
from ahdr_cli.networks.cost import parameter_count
from ahdr_cli.training.settings import StageSettings, ValidationSettings

__all__ = ["FRAME_BYTES", "require_memory", "training_bytes", "validation_bytes"]

FRAME_BYTES = 350
"""A pixel of a bracket while it is made: 410 to 660 were measured."""

_SAMPLE_BYTES = 48
"""A pixel of a finished sample: three frames and the truth, RGB in float32."""

_PARAMETER_BYTES = 20
"""A weight, its gradient, Adam's two moments and the moving average."""


def training_bytes(stage: StageSettings, network: AnyConfig) -> int:
    """What a step takes at least, without the network's activations."""
    return stage.batch * stage.patch**2 * _SAMPLE_BYTES + _PARAMETER_BYTES * parameter_count(
        network
    )


def validation_bytes(rule: ValidationSettings) -> int:
    """What the held-out samples take."""
    return rule.samples * rule.patch**2 * _SAMPLE_BYTES


def require_memory(needed: int, *, device: torch.device | str, what: str, hint: str) -> None:
    """Raise OutOfMemoryError if `needed` bytes are more than are free.

    Args:
        needed: at least so many will be taken.
        device: where.
        what: takes them, for the message.
        hint: the way out.
    """
    try:
        free = free_memory(str(device))
    except ImportError:  # on a bare machine nobody can tell
        return
    if needed > free:
        raise OutOfMemoryError(
            f"{what} take at least {_gigabytes(needed)} GB of memory, "
            f"{_gigabytes(free)} GB are free",
            hint=hint,
        )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f}" if count < 1 << 70 else "endless"
