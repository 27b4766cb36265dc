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
"""Rows and columns of the grid on which it is kept where in a scene to look."""

QUANTILES = np.linspace(0.95, 0.9995, 100)
"""Where the brightness distribution of a scene is kept, as fractions."""

_LARGEST_HALF = 65504.0
_ANYWHERE = 0.3  # share of the crops that do not look for detail
# Mean log2 residual of colour ratios between neighbours at which a cell's weight is halved; a
# clean scene has 0.01, a night at high sensitivity 0.07.
_COLOUR_NOISE = 0.04
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
            equal shares per scene if None. Noisy scenes get less than clean ones.
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
        quantiles, cells, cleanliness, parts = [], [], [], []
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
            weights, clean = _cell_weights(level)
            cells.append(weights)
            cleanliness.append(clean)
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
        self.weights: FloatArray = _scene_weights(scenes, cleanliness, source_weights)

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


def _cell_weights(level: Tensor) -> tuple[FloatArray, float]:
    """Where in a scene to look, and how clean the scene is.

    Cells weigh by their local contrast (the mean difference of log-brightness from its
    surroundings), so that a crop favours detail and light borders over empty sky. Noise in the
    scene itself would be learnt as texture: colour that changes from pixel to pixel gives it
    away, and takes weight from its cell.

    Args:
        level: (1, 3, H, W) radiance.

    Returns:
        (rows · columns,) weights of the `CELLS` with sum 1, and the scene's mean cleanliness in
        (0, 1].
    """
    tone = torch.log2(level.mean(1, keepdim=True) + 1e-3)
    detail = _grid(_residual(tone, 9).clamp(max=3.0))
    stops = torch.log2(level + 1e-3)
    chroma = _grid(_residual(stops[:, ::2] - stops[:, 1:2], 3).mean(1, keepdim=True))
    clean = 1.0 / (1.0 + (chroma / _COLOUR_NOISE).square())
    weights = ((1.0 - _ANYWHERE) * detail / detail.mean() + _ANYWHERE) * clean
    return (weights / weights.sum()).numpy(), float(clean.mean())


def _residual(planes: Tensor, side: int) -> Tensor:
    mean = functional.avg_pool2d(planes, side, 1, side // 2, count_include_pad=False)
    return (planes - mean).abs()


def _grid(plane: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(plane, CELLS).flatten().double() + 1e-6


def _scene_weights(
    scenes: Sequence[Scene], cleanliness: Sequence[float], source_weights: Sequence[float] | None
) -> FloatArray:
    members = np.array([scene.source for scene in scenes])
    weights = np.array(cleanliness)
    if source_weights is not None:
        totals = np.bincount(members, weights, minlength=len(source_weights))
        weights *= np.asarray(source_weights, dtype=np.float64)[members] / totals[members]
    share: FloatArray = weights / weights.sum()
    return share
