"""How large a tile may be, from the free memory and what a runtime needs per pixel."""

from __future__ import annotations

from dataclasses import dataclass

from ahdr_cli.inference.runtime import RollingRuntime, Runtime
from ahdr_cli.inference.tiling import MIN_TILE, fit_columns, fit_tile
from ahdr_cli.networks.config import AnyConfig, FastConfig

__all__ = ["CPU_BYTES", "GPU_PIXELS", "TileBudget", "live_channels"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class TileBudget:
    """Chooses tiles that fit into memory.

    Attributes:
        runtime: that will compute.
        free: bytes of memory free on its device.
    """

    runtime: Runtime
    free: int

    @property
    def side(self) -> int:
        """Side of a square inner box as large as the largest tile's, at least `MIN_TILE`."""
        if isinstance(self.runtime, RollingRuntime):
            inner = self.runtime.columns(self._bytes) - 2 * self.runtime.halo
            return max(int((self.runtime.rows * max(inner, 0)) ** 0.5), MIN_TILE)
        return max(int(self._pixels**0.5) - 2 * self.runtime.halo, MIN_TILE)

    def fit(self, size: tuple[int, int]) -> tuple[int, int]:
        """The inner box, (height, width), with which an image takes the least work."""
        halo, align = self.runtime.halo, self.runtime.stride
        if isinstance(self.runtime, RollingRuntime):
            most = self.runtime.columns(self._bytes)
            return self.runtime.rows, fit_columns(size[1], halo=halo, most=most, align=align)
        return fit_tile(size, halo=halo, pixels=self._pixels, align=align)

    @property
    def _bytes(self) -> float:
        """How much of the memory a tile may take."""
        usable = _SHARE * self.free
        return min(CPU_BYTES, usable) if self.runtime.device == "cpu" else usable

    @property
    def _pixels(self) -> int:
        """Pixels of the largest outer box."""
        pixels = int(self._bytes / self.runtime.bytes_per_pixel)
        return pixels if self.runtime.device == "cpu" else min(GPU_PIXELS, pixels)


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
