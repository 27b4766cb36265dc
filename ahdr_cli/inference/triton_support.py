"""Which networks and devices the Triton runtime computes on; triton is imported last of all."""

from __future__ import annotations

import importlib.util
import textwrap
from importlib import metadata

from ahdr_cli.networks.config import AHDRConfig, AnyConfig

__all__ = ["TRITON_FEATURES", "has_triton", "has_triton_body", "triton_failure"]

TRITON_FEATURES = 128
"""Most features of the trunk: a block's fold writes where it reads, so that one program computes
all of them."""

_CAPABILITY = (9, 0)
"""Compute capability of the H100 and H200, which the blocks were chosen and compiled for."""


_VERSION = (3, 7)
"""Oldest triton that the kernel was compiled with. Torch 2.12 and 2.13 come with it."""


def has_triton_body(config: AnyConfig) -> bool:
    """Whether a network is made of dense blocks that fit."""
    return (
        isinstance(config, AHDRConfig)
        and config.block in ("drdb", "rdb")
        and config.features <= TRITON_FEATURES
    )


def has_triton() -> bool:
    """Whether triton is installed."""
    return importlib.util.find_spec("triton") is not None


def triton_failure(device: str) -> str | None:
    """Why it cannot be used on a CUDA device. None if it can."""
    import torch

    if not has_triton():
        return "triton is not installed"
    version = metadata.version("triton")
    if tuple(map(int, version.split(".")[:2])) < _VERSION:
        return f"it needs triton {_dotted(_VERSION)} or newer, not {version}"
    if torch.version.hip is not None:
        return "its kernels are made for NVIDIA's GPUs"
    capability = torch.cuda.get_device_capability(device)
    if capability != _CAPABILITY:
        return (
            f"its kernels are made for compute capability {_dotted(_CAPABILITY)}, "
            f"{device} has {_dotted(capability)}"
        )
    return _driver_failure()


def _driver_failure() -> str | None:
    try:
        from ahdr_cli.inference.triton_kernel import start_driver

        start_driver()
    except Exception as error:  # a library that does not load or compile, whatever it raises
        return textwrap.shorten(str(error), width=160, placeholder=" …") or type(error).__name__
    return None


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
