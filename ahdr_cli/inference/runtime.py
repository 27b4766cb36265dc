"""`Runtime`: what computes a tile, as a protocol, and the choice between its implementations."""

from __future__ import annotations

import importlib.util
from collections.abc import Generator, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ahdr_cli.errors import DeviceError, MissingDependencyError, ModelError, UsageError
from ahdr_cli.images import FloatArray
from ahdr_cli.inference.devices import Precision
from ahdr_cli.inference.tiling import TileStream, in_turn

if TYPE_CHECKING:
    from ahdr_cli.checkpoints import Checkpoint

__all__ = ["Runtime", "StreamingRuntime", "open_runtime", "select_runtime", "tile_stream"]


class Runtime(Protocol):
    """A network made ready on a device. May be called from several threads."""

    @property
    def name(self) -> str:
        """``torch`` or ``onnxruntime``."""

    @property
    def device(self) -> str:
        """As :func:`ahdr_cli.inference.devices.select_device` returns it."""

    @property
    def precision(self) -> Precision:
        """Number format of the arithmetic."""

    @property
    def halo(self) -> int:
        """Receptive radius of the network in pixels, rounded up to a multiple of `stride`."""

    @property
    def stride(self) -> int:
        """Pixels per cell of the network's coarsest grid: tiles begin at multiples of it."""

    @property
    def bytes_per_pixel(self) -> float:
        """Memory that computing takes for each pixel of the input."""

    def __call__(self, frames: FloatArray, conditions: FloatArray) -> FloatArray:
        """Merge.

        Args:
            frames: (3, h, w, 3) float32 RGB in [0, 1], display-encoded: short, reference, long.
            conditions: (4,) float32, exposures relative to the shortest, and the noise, as
                :attr:`ahdr_cli.bracket.preparation.Preparation.conditions` has them.

        Returns:
            (h, w, 3) float32 in [0, 1], in units of the shortest frame's white.

        Raises:
            OutOfMemoryError: there is not enough memory for so many pixels.
        """

    def release(self) -> None:
        """Give memory that is kept for the next tile back to the system."""


@runtime_checkable
class StreamingRuntime(Runtime, Protocol):
    """A runtime that computes a tile while others are uploaded and downloaded."""

    def merge_tiles(
        self, tiles: Iterator[FloatArray], conditions: FloatArray
    ) -> Generator[FloatArray, None, None]:
        """Results of tiles, in their order; arguments and errors as for a single one."""


def tile_stream(runtime: Runtime, conditions: FloatArray) -> TileStream:
    """How a runtime computes the tiles of an image: one after the other unless it can do better.

    Args:
        runtime: that computes.
        conditions: as for :class:`Runtime`.
    """
    if isinstance(runtime, StreamingRuntime):
        return partial(runtime.merge_tiles, conditions=conditions)
    return partial(in_turn, lambda frames: runtime(frames, conditions))


def open_runtime(
    checkpoint: Checkpoint,
    *,
    name: str = "auto",
    device: str = "cpu",
    precision: Precision = "fp32",
) -> Runtime:
    """Make a checkpoint's network ready.

    Args:
        checkpoint: with the weights.
        name: ``auto``, ``torch`` or ``onnxruntime``.
        device: as :func:`ahdr_cli.inference.devices.select_device` returns it.
        precision: as :func:`ahdr_cli.inference.devices.select_precision` returns it.

    Raises:
        UsageError: no runtime has such a name.
        MissingDependencyError: it is not installed.
        DeviceError: it cannot do this on the device.
        ModelError: the weights cannot be computed with in this precision.
    """
    if select_runtime(name, device=device, precision=precision) == "torch":
        from ahdr_cli.inference.torch_runtime import TorchRuntime

        oracle = TorchRuntime(checkpoint.build(), device=device, precision=precision)
        if not device.startswith("cuda"):
            return oracle

        from ahdr_cli.inference.cuda import CudaAccelerator
        from ahdr_cli.inference.pipelined_runtime import PipelinedRuntime

        return PipelinedRuntime(oracle, accelerator=CudaAccelerator(device))

    from ahdr_cli.inference.onnx_runtime import OnnxRuntime

    bounds = _bounds_of(checkpoint) if precision == "int8" else None
    return OnnxRuntime(checkpoint.config, checkpoint.weights, bounds=bounds)


def select_runtime(name: str, *, device: str, precision: Precision) -> str:
    """The runtime that a name means: auto is ONNX Runtime wherever it can be used, else torch.

    Raises:
        As :func:`open_runtime`.
    """
    if name not in ("auto", "torch", "onnxruntime"):
        raise UsageError(f"runtime must be auto, torch or onnxruntime, got {name!r}")
    suits = device == "cpu" and precision in ("fp32", "int8")
    installed = all(importlib.util.find_spec(module) for module in ("onnxruntime", "onnx"))
    if precision == "int8" and name == "torch":
        raise DeviceError("torch does not compute in int8", hint="use --runtime onnxruntime")
    if name == "onnxruntime" or precision == "int8":
        if not installed:
            raise MissingDependencyError(
                "onnxruntime is not installed",
                hint="pip install onnxruntime onnx, or use --runtime torch",
            )
        if not suits:
            raise DeviceError(
                f"onnxruntime computes in fp32 or int8 on the CPU, not in {precision} on {device}",
                hint="use --runtime torch",
            )
    if name == "auto":
        return "onnxruntime" if suits and installed else "torch"
    return name


def _bounds_of(checkpoint: Checkpoint) -> Mapping[str, float]:
    """The ranges of the activations, which int8 needs; refuses networks and processors without."""
    from ahdr_cli.inference.int8_support import require_int8

    require_int8(checkpoint.config)
    if not checkpoint.bounds:
        raise ModelError(
            f"the weights of {checkpoint.name!r} carry no activation ranges, which int8 needs",
            hint="use --precision fp32, or add them with `ahdr models calibrate`",
        )
    return checkpoint.bounds
