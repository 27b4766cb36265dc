"""Contexts for the parts of a network that must not be rounded."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

__all__ = ["cudnn_flags", "without_autocast", "without_tf32"]


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """A context in which nothing is rounded to 16 bits, for the layers that make radiance."""
    # The meta device, on which networks are counted, knows no autocast.
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)


def without_tf32(device: torch.device) -> AbstractContextManager[object]:
    """A context in which convolutions compute in true float32.

    By default torch has NVIDIA's tensor cores round their inputs to TF32's ten bits. In a
    network that is being compiled the setting stays as it is: it cannot be part of one.
    """
    if device.type != "cuda" or torch.compiler.is_compiling():
        return nullcontext()
    return cudnn_flags(tf32=False)


def cudnn_flags(*, tf32: bool, search: bool | None = None) -> AbstractContextManager[object]:
    """A context in which cuDNN may, or may not, round float32 to TF32.

    The settings hold for the process, so they are put back at the end.

    Args:
        tf32: whether it may.
        search: whether it tries its algorithms; None leaves that as it is.
    """
    cudnn = torch.backends.cudnn
    return cudnn.flags(
        enabled=cudnn.enabled,
        benchmark=cudnn.benchmark if search is None else search,
        deterministic=cudnn.deterministic,
        allow_tf32=tf32,
    )
