"""`Merger`: one bracket in, one HDR image out.

It holds a network ready on a device and nothing of the images it has seen, so it may be kept
and used again, from several threads as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from ahdr_cli.bracket.opencv import REMEDY, has_cv2
from ahdr_cli.bracket.preparation import RESPONSES, prepare
from ahdr_cli.bracket.warnings import bracket_warnings
from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.errors import InputError, ModelError, UsageError
from ahdr_cli.images import FloatArray, Frame, HdrImage
from ahdr_cli.inference.allocation import translated_allocation_errors
from ahdr_cli.inference.budget import TileBudget
from ahdr_cli.inference.devices import Precision, select_device, select_precision
from ahdr_cli.inference.memory import free_memory
from ahdr_cli.inference.runtime import Runtime, open_runtime, tile_stream
from ahdr_cli.inference.tile_stream import OnTile, stream_tiled

if TYPE_CHECKING:
    from ahdr_cli.bracket import Bracket
    from ahdr_cli.bracket.preparation import Preparation
    from ahdr_cli.checkpoints import Checkpoint

__all__ = ["MergeOptions", "MergePlan", "Merger", "prepare_frames"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeOptions:
    """How to merge. The first three decide the result, `precision` how exact it is.

    Attributes:
        align: ``auto`` warps outer frames onto the reference where the camera moved; ``off``
            leaves all frames where they are.
        response: ``auto`` finds out whether the camera's curve is far from γ 2.2, and matches
            outer frames to the reference if it is; ``gamma`` takes γ 2.2 for granted; ``linear``
            undoes the curve in all frames, so that radiance is in proportion to light.
        extend: ``auto`` raises highlights by frames shorter than those merged, where there are
            any; ``off`` takes no notice of them.
        precision: ``auto``, ``fp32``, ``fp16``, ``bf16`` or ``int8``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        tile: largest side of a tile without its halo in pixels, or ``auto``.
        runtime: ``auto``, ``torch``, ``onnxruntime``, ``winograd`` or ``triton``.
    """

    align: str = "auto"
    response: str = "auto"
    extend: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    tile: int | Literal["auto"] = "auto"
    runtime: str = "auto"

    def __post_init__(self) -> None:
        if self.align not in ("auto", "off"):
            raise UsageError(f"align must be auto or off, got {self.align!r}")
        if self.response not in RESPONSES:
            raise UsageError(f"response must be auto, gamma or linear, got {self.response!r}")
        if self.extend not in ("auto", "off"):
            raise UsageError(f"extend must be auto or off, got {self.extend!r}")
        if self.tile != "auto" and (not isinstance(self.tile, int) or self.tile < 1):
            raise UsageError(f"tile must be auto or a positive whole number, got {self.tile!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePlan:
    """What a merger computes with: the options, with every ``auto`` decided.

    Attributes:
        model: name of the checkpoint.
        sha256: of its file.
        device: as torch names it.
        precision: of the network's arithmetic.
        runtime: name of what runs the network.
        tile: side in pixels of the largest tile without its halo; if it was chosen
            automatically, tiles may be oblong with no larger an area.
        halo: context around a tile, the receptive radius of the network.
    """

    model: str
    sha256: str
    device: str
    precision: Precision
    runtime: str
    tile: int
    halo: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def prepare_frames(
    bracket: Bracket, options: MergeOptions, *, shorter: Sequence[Frame] = ()
) -> Preparation:
    """What :class:`Merger` does to the frames before the network sees them."""
    align = options.align == "auto" and has_cv2()
    shorter = shorter if options.extend == "auto" else ()
    return prepare(bracket, align=align, response=options.response, shorter=shorter)


class Merger:
    """Callable: :class:`Bracket` → :class:`HdrImage`. Made by :meth:`open`.

    Attributes:
        options: how to compute, as it was asked for.
        plan: what it computes with.
    """

    def __init__(self, checkpoint: Checkpoint, *, options: MergeOptions | None = None) -> None:
        """Make a checkpoint ready; raises as :meth:`open` does."""
        options = options or MergeOptions()
        device = select_device(options.device)
        precision = select_precision(options.precision, device=device)
        self._checkpoint = checkpoint
        self.options = options
        self._runtime: Runtime = open_runtime(
            checkpoint, name=options.runtime, device=device, precision=precision
        )
        self._budget = TileBudget(runtime=self._runtime, free=free_memory(device))
        self.plan = MergePlan(
            model=checkpoint.name,
            sha256=checkpoint.sha256,
            device=device,
            precision=precision,
            runtime=self._runtime.name,
            tile=self._budget.side if options.tile == "auto" else options.tile,
            halo=self._runtime.halo,
        )

    @classmethod
    def open(cls, model: str | Path = "ahdrnet", *, options: MergeOptions | None = None) -> Self:
        """Load a model and make it ready.

        Args:
            model: a registered name or the path of a checkpoint.
            options: how to compute.

        Raises:
            ModelError: the model cannot be found, verified or built.
            DeviceError: the device is absent or cannot do what was asked of it.
            UsageError: an option has no meaning.
            MissingDependencyError: the runtime is not installed.
        """
        return cls(load_checkpoint(model), options=options)

    def __call__(
        self, bracket: Bracket, *, shorter: Sequence[Frame] = (), on_tile: OnTile | None = None
    ) -> HdrImage:
        """Prepare and merge; arguments, result and errors are those of the two.

        Args:
            bracket: three frames, short → long.
            shorter: further frames, see :meth:`prepare`.
            on_tile: told of tiles done and tiles in all.
        """
        return self.merge(self.prepare(bracket, shorter=shorter), on_tile=on_tile)

    def prepare(self, bracket: Bracket, *, shorter: Sequence[Frame] = ()) -> Preparation:
        """Align and match the frames, as the options have it.

        Args:
            bracket: three frames, short → long.
            shorter: of the same scene and shorter than these, as
                :attr:`ahdr_cli.bracket.selection.Selection.shorter` has them, in any order. They
                raise the highlights beyond the white of the bracket's shortest frame.

        Raises:
            InputError: pixels that are NaN or outside [0, 1].
            SizeMismatchError, ExposureError: a further frame does not go with the bracket.
            OutOfMemoryError: arrays as large as the image do not fit.
        """
        with translated_allocation_errors():
            for frame in (*bracket.frames, *shorter):
                _check_pixels(frame)
            return prepare_frames(bracket, self.options, shorter=shorter)

    def merge(self, prepared: Preparation, *, on_tile: OnTile | None = None) -> HdrImage:
        """Run the network, and raise the highlights where there are frames for that.

        Args:
            prepared: what :meth:`prepare` made.
            on_tile: told of tiles done and tiles in all.

        Returns:
            Radiance in the geometry of the middle frame, whose white is 1.0.

        Raises:
            OutOfMemoryError: not even the smallest tile fits.
            ModelError: the network returned NaN or infinity.
        """
        # Tiling handles tiles that do not fit; this covers the arrays as large as the image.
        with translated_allocation_errors():
            return self._merge(prepared, on_tile=on_tile)

    def _merge(self, prepared: Preparation, *, on_tile: OnTile | None) -> HdrImage:
        bracket = prepared.taken
        radiance = stream_tiled(
            tile_stream(self._runtime, prepared.conditions),
            prepared.pixels,  # made tile by tile, so that no second copy is ever held
            halo=self._runtime.halo,
            inner=self._inner(bracket.size),
            align=self._runtime.stride,
            on_tile=on_tile,
        )
        self._runtime.release()
        if not _is_finite(radiance):
            raise ModelError(
                f"the network returned NaN or infinity in {self.plan.precision}",
                hint="check the model with `ahdr models verify`"
                if self.plan.precision == "fp32"
                else "use --precision fp32",
            )
        radiance *= np.float32(bracket.ratios[1])
        if prepared.highlights is not None:
            prepared.highlights.raise_in(radiance)
        reference = bracket.reference
        exposure = reference.exposure
        if exposure is not None and exposure.relative:
            exposure = None  # it has no shutter time that a file could record
        return HdrImage(radiance, exposure=exposure, metadata=reference.metadata)

    def warnings(self, bracket: Bracket) -> list[str]:
        """Reasons to doubt the result of a bracket, one line each."""
        messages = bracket_warnings(bracket, trained_ev=self._checkpoint.spacing_ev)
        if self.options.align == "auto" and not has_cv2():
            messages.append(
                f"the frames are not aligned, because OpenCV cannot be imported ({REMEDY})"
            )
        return messages

    def _inner(self, size: tuple[int, int]) -> int | tuple[int, int]:
        """Tiles without their halo for an image of `size`, fitted to it unless the user chose."""
        return self._budget.fit(size) if self.options.tile == "auto" else self.options.tile


def _is_finite(values: FloatArray) -> bool:
    """Whether neither NaN nor infinity occurs, without a mask as large as the image."""
    return math.isfinite(float(values.min())) and math.isfinite(float(values.max()))


def _check_pixels(frame: Frame) -> None:
    # NaN makes both comparisons false.
    low, high = float(frame.pixels.min()), float(frame.pixels.max())
    if not (low >= 0.0 and high <= 1.0):
        raise InputError(f"pixel values from {low:g} to {high:g}, expected 0 to 1", path=frame.name)
