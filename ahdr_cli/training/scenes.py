"""`SceneStore`: the radiance maps that brackets are cut from, packed on one device.

All scenes and their half and quarter size copies lie in one flat (pixels, 3) half-precision
tensor; a window is cut out of it by index arithmetic, for a whole batch at once. Per-scene
statistics that place exposures and crops stay on the CPU as numpy arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ahdr_cli.errors import InputError
from ahdr_cli.training.draws import FloatArray, IntArray

__all__ = ["CELLS", "LEVELS", "QUANTILES", "Scene", "SceneStore"]

LEVELS = 3
"""Sizes kept of each scene: full, half, quarter."""

CELLS = (12, 16)
"""Rows and columns of the grid on which the local contrast of a scene is kept."""

QUANTILES = np.linspace(0.95, 0.9995, 100)
"""Where the brightness distribution of a scene is kept, as fractions."""

_LARGEST_HALF = 65504.0
# Two pixels of the coarsest level: a smaller scene has nothing to crop.
_SMALLEST_SIDE = 2 ** (LEVELS - 1) * 2


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A radiance map.

    Attributes:
        name: of the file it came from, without suffix.
        pixels: (H, W, 3) float, linear RGB ≥ 0, any unit.
        source: number of the source (a folder) that it belongs to.
    """

    name: str
    pixels: NDArray[np.floating]
    source: int = 0


class SceneStore:
    """Scenes in one tensor.

    Args:
        scenes: at least one.
        device: where the pixels go.
        source_weights: share of the samples that each source gets, by `Scene.source`;
            equal shares per scene if None.
    """

    def __init__(
        self,
        scenes: Sequence[Scene],
        *,
        device: torch.device | str = "cpu",
        source_weights: Sequence[float] | None = None,
    ) -> None:
        if not scenes:
            raise InputError("no scenes to make brackets from", hint="give a folder with images")
        self.device = torch.device(device)
        self.names = tuple(scene.name for scene in scenes)
        offsets = np.zeros((len(scenes), LEVELS), dtype=np.int64)
        sizes = np.zeros((len(scenes), LEVELS, 2), dtype=np.int64)
        quantiles, cells, parts = [], [], []
        total = 0
        for number, scene in enumerate(scenes):
            height, width = scene.pixels.shape[:2]
            if min(height, width) < _SMALLEST_SIDE:
                raise InputError(
                    f"scene {scene.name!r} is {width}x{height}, "
                    f"expected at least {_SMALLEST_SIDE} pixels a side"
                )
            level = torch.from_numpy(np.ascontiguousarray(scene.pixels, dtype=np.float32))
            level = level.clamp(0.0, _LARGEST_HALF).permute(2, 0, 1)[None]
            quantiles.append(_quantiles(level))
            cells.append(_cell_contrast(level))
            for step in range(LEVELS):
                if step:
                    level = functional.avg_pool2d(level, 2)
                offsets[number, step] = total
                sizes[number, step] = level.shape[2:]
                parts.append(level[0].permute(1, 2, 0).reshape(-1, 3).half())
                total += parts[-1].shape[0]
        self.pixels: Tensor = torch.cat(parts).to(self.device)
        self.offsets: IntArray = offsets
        self.sizes: IntArray = sizes
        self.quantiles: FloatArray = np.stack(quantiles)
        self.cells: FloatArray = np.stack(cells)
        self.weights: FloatArray = _scene_weights(scenes, source_weights)

    def __len__(self) -> int:
        """Number of scenes."""
        return len(self.names)

    def windows(
        self, scenes: IntArray, levels: IntArray, origins: IntArray, *, size: tuple[int, int]
    ) -> Tensor:
        """Cut windows out of scenes; beyond the border the scene is mirrored.

        Args:
            scenes: (M,) scene numbers.
            levels: (M,) 0 … LEVELS − 1.
            origins: (M, 2) row and column of the window's first pixel, may lie outside.
            size: (height, width) of all windows.

        Returns:
            (M, 3, height, width) float32 radiance.
        """
        extent = self.sizes[scenes, levels]
        rows = _mirror(origins[:, 0, None] + np.arange(size[0]), extent[:, 0, None])
        columns = _mirror(origins[:, 1, None] + np.arange(size[1]), extent[:, 1, None])
        rows = self.offsets[scenes, levels][:, None] + rows * extent[:, 1, None]
        first = torch.from_numpy(rows).to(self.device, non_blocking=True)
        second = torch.from_numpy(columns).to(self.device, non_blocking=True)
        flat = (first[:, :, None] + second[:, None, :]).reshape(-1)
        picked = self.pixels.index_select(0, flat)
        return picked.view(len(scenes), size[0], size[1], 3).permute(0, 3, 1, 2).float()


def _mirror(position: IntArray, extent: IntArray) -> IntArray:
    """Fold positions into [0, extent) by reflection at the borders, edge pixels repeated."""
    folded = position % (2 * extent)
    mirrored: IntArray = np.minimum(folded, 2 * extent - 1 - folded)
    return mirrored


def _quantiles(level: Tensor) -> FloatArray:
    """Brightness (largest channel) at `QUANTILES`, of one (1, 3, H, W) scene."""
    brightness = level.amax(1).flatten()
    stride = max(1, brightness.numel() // 200_000)
    found: FloatArray = np.quantile(brightness[::stride].numpy(), QUANTILES).astype(np.float64)
    return found


def _cell_contrast(level: Tensor) -> FloatArray:
    """How much there is to see in each of the `CELLS`: (rows · columns,) weights ≥ 0, sum 1.

    The mean absolute local difference of log-brightness, so that a crop can favour detail
    and light borders over empty sky.
    """
    tone = torch.log2(level.mean(1, keepdim=True) + 1e-3)
    detail = (tone - functional.avg_pool2d(tone, 9, 1, 4, count_include_pad=False)).abs()
    grid = functional.adaptive_avg_pool2d(detail.clamp(max=3.0), CELLS).flatten().double() + 1e-3
    return (grid / grid.sum()).numpy()


def _scene_weights(scenes: Sequence[Scene], source_weights: Sequence[float] | None) -> FloatArray:
    members = np.array([scene.source for scene in scenes])
    if source_weights is None:
        weights = np.ones(len(scenes))
    else:
        counts = np.bincount(members, minlength=len(source_weights))
        weights = np.asarray(source_weights, dtype=np.float64)[members] / counts[members]
    share: FloatArray = weights / weights.sum()
    return share
