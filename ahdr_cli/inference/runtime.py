"""`Runtime`: what computes a tile, as a protocol, and the choice between its implementations."""

from __future__ import annotations

import importlib.util
from collections.abc import Generator, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ahdr_cli.errors import DeviceError, MissingDependencyError, ModelError, UsageError
from ahdr_cli.images import FloatArray
from ahdr_cli.inference.devices import Precision
from ahdr_cli.inference.tile_stream import Crop, TileStream, in_turn, whole_tiles
from ahdr_cli.inference.triton_support import (
    TRITON_FEATURES,
    has_triton,
    has_triton_body,
    triton_failure,
)
from ahdr_cli.inference.winograd_support import has_winograd_body, winograd_failure
from ahdr_cli.networks.config import AHDRConfig, AnyConfig

if TYPE_CHECKING:
    from ahdr_cli.checkpoints import Checkpoint
    from ahdr_cli.inference.torch_runtime import TorchRuntime

__all__ = [
    "RUNTIMES",
    "RollingRuntime",
    "Runtime",
    "StreamingRuntime",
    "one_by_one",
    "open_runtime",
    "select_runtime",
    "tile_stream",
]

RUNTIMES = ("torch", "onnxruntime", "winograd", "triton")
"""Names of what computes: :class:`TorchRuntime`, which the others are compared with,
:class:`OnnxRuntime`, :class:`WinogradRuntime` and :class:`TritonRuntime`."""


class Runtime(Protocol):
    """A network made ready on a device. May be called from several threads."""

    @property
    def name(self) -> str:
        """One of `RUNTIMES`."""

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


@runtime_checkable
class RollingRuntime(Runtime, Protocol):
    """A runtime that goes on from a tile to the one right below without computing anything twice.

    What such tiles take of memory depends on their width.
    """

    @property
    def rows(self) -> int:
        """Height of the tiles that it does best."""

    def columns(self, memory: float) -> int:
        """Width of a tile of that height, halos included, for which that many bytes are enough."""

    def merge_crops(
        self, crops: Iterator[Crop], conditions: FloatArray
    ) -> Generator[FloatArray, None, None]:
        """Results of crops within the parts asked for; arguments and errors as for a call."""


def tile_stream(runtime: Runtime, conditions: FloatArray) -> TileStream:
    """How a runtime computes the tiles of an image: each by itself unless it can do better.

    Args:
        runtime: that computes.
        conditions: as for :class:`Runtime`.
    """
    if isinstance(runtime, StreamingRuntime):
        return partial(whole_tiles, partial(runtime.merge_tiles, conditions=conditions))
    if isinstance(runtime, RollingRuntime):
        return partial(runtime.merge_crops, conditions=conditions)
    return one_by_one(runtime, conditions)


def one_by_one(runtime: Runtime, conditions: FloatArray) -> TileStream:
    """How it computes them each by itself."""

    def part_of(crop: Crop) -> FloatArray:
        return runtime(crop.frames, conditions)[crop.part.slices]

    return partial(in_turn, part_of)


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
        name: ``auto`` or one of `RUNTIMES`.
        device: as :func:`ahdr_cli.inference.devices.select_device` returns it.
        precision: as :func:`ahdr_cli.inference.devices.select_precision` returns it.

    Raises:
        UsageError: no runtime has such a name.
        MissingDependencyError: it is not installed.
        DeviceError: it cannot do this on the device.
        ModelError: the weights cannot be computed with in this precision.
    """
    chosen = select_runtime(name, device=device, precision=precision, config=checkpoint.config)
    if chosen == "winograd":
        from ahdr_cli.inference.winograd_runtime import WinogradRuntime

        assert isinstance(checkpoint.config, AHDRConfig)  # only these have such a body
        return WinogradRuntime(checkpoint.config, checkpoint.weights)
    if chosen == "onnxruntime":
        from ahdr_cli.inference.onnx_runtime import OnnxRuntime

        bounds = _bounds_of(checkpoint) if precision == "int8" else None
        return OnnxRuntime(checkpoint.config, checkpoint.weights, bounds=bounds)

    oracle = _torch_runtime(chosen, checkpoint, device=device, precision=precision)
    if not device.startswith("cuda"):
        return oracle

    from ahdr_cli.inference.cuda import CudaAccelerator
    from ahdr_cli.inference.pipelined_runtime import PipelinedRuntime

    return PipelinedRuntime(oracle, accelerator=CudaAccelerator(device))


def _torch_runtime(
    name: str, checkpoint: Checkpoint, *, device: str, precision: Precision
) -> TorchRuntime:
    """Torch's own kernels, or ours in its place."""
    if name == "triton":
        from ahdr_cli.inference.triton_runtime import TritonRuntime

        return TritonRuntime(checkpoint.build(), device=device, precision=precision)
    from ahdr_cli.inference.torch_runtime import TorchRuntime

    return TorchRuntime(checkpoint.build(), device=device, precision=precision)


def select_runtime(name: str, *, device: str, precision: Precision, config: AnyConfig) -> str:
    """The runtime that a name means.

    On a CPU, auto is Winograd's algorithm for networks and precisions that it has, and ONNX
    Runtime for all others; elsewhere, and where those are not installed, it is torch. It is never
    Triton, which no GPU has been measured with.

    Raises:
        As :func:`open_runtime`.
    """
    if name not in ("auto", *RUNTIMES):
        raise UsageError(f"runtime must be auto, {', '.join(RUNTIMES)}, got {name!r}")
    if name == "torch" and precision == "int8":
        raise DeviceError("torch does not compute in int8", hint="use --runtime onnxruntime")
    if name == "winograd" or (name == "auto" and device == "cpu" and precision == "fp32"):
        obstacle = _obstacle_to_winograd(device, precision, config)
        if obstacle is None:
            return "winograd"
        if name == "winograd":
            raise obstacle
    if name == "triton":
        _require_triton(device, precision, config)
        return "triton"
    if name == "onnxruntime" or precision == "int8":
        _require_onnx(device, precision)
        return "onnxruntime"
    if name == "auto" and device == "cpu" and precision == "fp32" and _has_onnx():
        return "onnxruntime"
    return "torch"


def _obstacle_to_winograd(
    device: str, precision: Precision, config: AnyConfig
) -> DeviceError | MissingDependencyError | None:
    if device != "cpu" or precision != "fp32":
        return DeviceError(
            f"winograd computes in fp32 on the CPU, not in {precision} on {device}",
            hint="use --runtime auto",
        )
    if not has_winograd_body(config):
        return DeviceError(
            "winograd computes AHDRNet with layers of whole groups of 32 channels only",
            hint="use --runtime auto",
        )
    failure = winograd_failure()
    if failure is None:
        return None
    return MissingDependencyError(
        f"winograd cannot be used here: {failure}",
        hint="pip install numba threadpoolctl onnxruntime onnx, or use --runtime auto",
    )


def _require_triton(device: str, precision: Precision, config: AnyConfig) -> None:
    if not device.startswith("cuda") or precision not in ("fp16", "bf16"):
        raise DeviceError(
            f"triton computes in fp16 or bf16 on CUDA devices, not in {precision} on {device}",
            hint="use --runtime auto",
        )
    if not has_triton_body(config):
        raise DeviceError(
            f"triton computes AHDRNet with dense blocks of up to {TRITON_FEATURES} features only",
            hint="use --runtime auto",
        )
    if not has_triton():
        raise MissingDependencyError(
            "triton is not installed",
            hint="PyTorch's CUDA builds for Linux bring it; or use --runtime auto",
        )
    failure = triton_failure(device)
    if failure is not None:
        raise DeviceError(f"triton cannot be used here: {failure}", hint="use --runtime auto")


def _require_onnx(device: str, precision: Precision) -> None:
    if not _has_onnx():
        raise MissingDependencyError(
            "onnxruntime is not installed",
            hint="pip install onnxruntime onnx, or use --runtime torch",
        )
    if device != "cpu" or precision not in ("fp32", "int8"):
        raise DeviceError(
            f"onnxruntime computes in fp32 or int8 on the CPU, not in {precision} on {device}",
            hint="use --runtime torch",
        )


def _has_onnx() -> bool:
    return all(importlib.util.find_spec(module) for module in ("onnxruntime", "onnx"))


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
