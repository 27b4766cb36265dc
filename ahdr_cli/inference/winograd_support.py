"""Which networks Winograd's algorithm computes, without importing what compiles it."""

from __future__ import annotations

import importlib

from ahdr_cli.networks.config import AHDRConfig, AnyConfig

__all__ = ["CHANNELS", "ONNXRUNTIME", "has_winograd_body", "is_kept", "winograd_failure"]

CHANNELS = 32
"""Channels of a group, the unit of memory and work: what a dense layer adds, and a multiple of
every processor's vector width."""

ONNXRUNTIME = "ahdr_cli.inference.onnxruntime_library"
"""What to import to find out whether `onnxruntime` loads: itself it would report to its makers."""


def has_winograd_body(config: AnyConfig) -> bool:
    """Whether the layers of a network are made of whole groups of channels."""
    if not isinstance(config, AHDRConfig):
        return False
    growth = 0 if config.block == "rb" else config.growth
    return config.features % CHANNELS == growth % CHANNELS == 0


def winograd_failure() -> str | None:
    """Why it cannot be used here: what the import of a package said. None if it can."""
    try:
        # Numba refuses versions of Python and numpy that it does not know, so that being
        # installed is not enough.
        for module in ("numba", "threadpoolctl", "onnx", ONNXRUNTIME):
            importlib.import_module(module)
    except ImportError as error:
        return str(error).partition("\n")[0]
    return None


def is_kept() -> bool:
    """Whether what is compiled stays on disk for the next run. Call it where nothing fails."""
    from ahdr_cli.inference.winograd_products import transform_products

    # Numba finds a place when it is told to keep a function, which is at the import.
    statistics = getattr(transform_products, "stats", None)
    return getattr(statistics, "cache_path", None) is not None
