"""How the forward pass is computed: number format, layout, compiler."""

from __future__ import annotations

import importlib.util
import shutil
from typing import Literal, NamedTuple

import torch
from torch import nn

from ahdr_cli.training.settings import RuntimeSettings

__all__ = ["Precision", "choose_precision", "compiled", "pays_to_prefetch"]


class Precision(NamedTuple):
    """A number format for autocast.

    Attributes:
        name: ``fp32``, ``bf16`` or ``fp16``.
        dtype: torch's name for it.
    """

    name: Literal["fp32", "bf16", "fp16"]
    dtype: torch.dtype

    def autocast(self, device: torch.device) -> torch.autocast:
        """A context in which convolutions run in this format; none for fp32."""
        return torch.autocast(device.type, dtype=self.dtype, enabled=self.name != "fp32")

    def scaler(self, device: torch.device) -> torch.amp.GradScaler:
        """A loss scaler that does something for fp16 only: its exponent has five bits."""
        return torch.amp.GradScaler(device.type, enabled=self.name == "fp16")


_PRECISIONS = {
    "fp32": Precision("fp32", torch.float32),
    "bf16": Precision("bf16", torch.bfloat16),
    "fp16": Precision("fp16", torch.float16),
}


def choose_precision(settings: RuntimeSettings, device: torch.device) -> Precision:
    """The configured number format, or the fastest one that trains well on `device`."""
    name = settings.precision
    if name == "auto":
        if device.type != "cuda":
            name = "fp32"  # bf16 on CPUs without AMX is several times slower
        else:
            name = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return _PRECISIONS[name]


def compiled(net: nn.Module, settings: RuntimeSettings, device: torch.device) -> nn.Module:
    """The network, compiled if that is wanted; one graph for each patch size.

    On CPUs the compiled training step was measured slower than the eager one.
    """
    wanted = settings.compile == "on" or (
        settings.compile == "auto"
        and device.type == "cuda"
        and importlib.util.find_spec("triton") is not None
        and any(shutil.which(compiler) for compiler in ("cc", "gcc", "clang"))
    )
    return torch.compile(net, dynamic=False) if wanted else net  # type: ignore[return-value] # a Module in, a Module out


def pays_to_prefetch(
    settings: RuntimeSettings, *, engine: torch.device, device: torch.device
) -> bool:
    """Whether the next batch is made in a thread while the step runs.

    Work for a GPU is queued anyway, and on a CPU both would fight for the same cores.
    """
    if settings.prefetch == "auto":
        return engine.type == "cpu" and device.type != "cpu"
    return settings.prefetch == "on"
