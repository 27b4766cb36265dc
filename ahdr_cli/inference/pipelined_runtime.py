"""PipelinedRuntime: a runtime of torch's on a GPU, with graphs and overlapping transfers."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.accelerator import Accelerator
from ahdr_cli.inference.tile_pipeline import BUFFER_BYTES, TilePipeline
from ahdr_cli.inference.torch_runtime import TorchRuntime

__all__ = ["PipelinedRuntime"]


class PipelinedRuntime:
    """Computes the same as its oracle, through a :class:`TilePipeline`.

    Args:
        oracle: with the network on the device.
        accelerator: the same device.
    """

    def __init__(self, oracle: TorchRuntime, *, accelerator: Accelerator) -> None:
        self.name = oracle.name
        self.device = oracle.device
        self.precision = oracle.precision
        self.stride = oracle.stride
        self.halo = oracle.halo
        self.bytes_per_pixel = oracle.bytes_per_pixel + BUFFER_BYTES
        self._pipeline = TilePipeline(oracle.merge, accelerator=accelerator)

    @property
    def refusal(self) -> str | None:
        """Why the network is not captured as graphs; None if it is."""
        return self._pipeline.network.refusal

    def __call__(self, frames: FloatArray, conditions: FloatArray) -> FloatArray:
        """See :class:`ahdr_cli.inference.runtime.Runtime`."""
        (merged,) = self.merge_tiles(iter((frames,)), conditions)
        return merged

    def merge_tiles(
        self, tiles: Iterator[FloatArray], conditions: FloatArray
    ) -> Generator[FloatArray, None, None]:
        """See :class:`ahdr_cli.inference.runtime.StreamingRuntime`."""
        return self._pipeline(tiles, conditions)

    def release(self) -> None:
        """Keeps everything: it is bounded, and making it anew takes longer than a merge."""
