"""How large a tile may be, from the free memory and what a runtime needs per pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ahdr_cli.inference.tiling import MIN_TILE
from ahdr_cli.networks.config import AnyConfig, FastConfig

if TYPE_CHECKING:
    from ahdr_cli.inference.runtime import Runtime

__all__ = ["CPU_BYTES", "GPU_PIXELS", "live_channels", "tile_pixels", "tile_side"]

CPU_BYTES = 1.065e9
"""Most memory that a tile may take on a CPU, so that a process, even one with torch loaded
(0.4 GB), and a 1500×1000 bracket (0.08 GB) stay below 1.6 GB. For AHDRNet in ONNX Runtime these
are 320,000 pixels; cutting 1500×1000 into six costs 21 % more pixels than not cutting it."""

GPU_PIXELS = 8_000_000
"""Most pixels of an outer box on a GPU. Convolutions index with 32 bits, and 2³¹ values are
8.4 million pixels of the 256 channels that a dense block collects."""

_FRAMES = 36
"""Channels of the frames themselves: as given, transposed, linearised, stacked. They dominate in
networks with few features."""

_SHARE = 0.6
"""Share of the free memory that tiles may take: other programs want some, allocators waste some."""


def tile_pixels(runtime: Runtime, *, free: int) -> int:
    """The largest outer box of a tile, in pixels.

    Args:
        runtime: that will compute.
        free: bytes of memory free on its device.
    """
    if runtime.device == "cpu":
        return int(min(CPU_BYTES, _SHARE * free) / runtime.bytes_per_pixel)
    return min(GPU_PIXELS, int(_SHARE * free / runtime.bytes_per_pixel))


def tile_side(pixels: int, *, halo: int) -> int:
    """Side of the square inner box whose outer box has at most `pixels`, at least `MIN_TILE`."""
    return max(int(pixels**0.5) - 2 * halo, MIN_TILE)


def live_channels(config: AnyConfig) -> int:
    """Channels alive at once while a network runs, which its memory is proportional to.

    In AHDRNet's body these are the reference's features, the sum or the outputs of the blocks, a
    block's input, and what its layers collect, before and after a concatenation; and the frames.
    In FastNet only the frames and what is made of them at full resolution count: the channels at
    half the resolution and below are small.
    """
    if isinstance(config, FastConfig):
        # 1.0 kB a pixel: 0.77 was measured for tiles of one shape; several in turn take 0.2 more.
        return 4 * config.detail + 110
    collected = 0 if config.block == "rb" else config.layers * config.growth
    return 7 * config.features + collected + _FRAMES
