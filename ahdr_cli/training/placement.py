"""Where in a scene a sample's background or an object's texture is read."""

from __future__ import annotations

import math

import numpy as np

from ahdr_cli.training.draws import Draws, FloatArray, IntArray
from ahdr_cli.training.scenes import CELLS, SceneStore

__all__ = ["draw_place", "layer_window", "radius_limit", "window_side"]

_MARGIN = 10
_LARGEST_RADIUS = 110.0
_LARGEST_TURN = math.radians(4.0)
# Scene pixels per output pixel. Environment maps are soft: below 1 they would only be blurred.
_SCALE = (0.85, 2.6)
# Level choice `round(log2 scale + 0.2)` leaves at most 2^0.3 pixels of a level per output pixel.
_LARGEST_STEP = 2.0**0.3


def window_side(along: int, across: int) -> int:
    """Side of the window that a patch of `along` × `across` is read from, however it is turned."""
    turned = along * math.cos(_LARGEST_TURN) + across * math.sin(_LARGEST_TURN)
    return math.ceil(turned * _LARGEST_STEP) + 2 * _MARGIN


def layer_window(size: tuple[int, int]) -> int:
    """Side of the window for the texture of an object in a patch of (height, width)."""
    return math.ceil(2.2 * _LARGEST_STEP * radius_limit(size)) + 8


def radius_limit(size: tuple[int, int]) -> float:
    """Radius of the largest object in a patch of (height, width), in output pixels."""
    return min(0.42 * min(size), _LARGEST_RADIUS)


def draw_place(
    draws: Draws,
    store: SceneStore,
    scene: IntArray,
    *,
    size: tuple[int, int],
    window: tuple[int, int],
    wild: bool = False,
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Where to read in each scene: level, window origin (row, column), centre (x, y), matrix.

    Args:
        draws: random numbers.
        store: of the scenes.
        scene: (M,) scene numbers.
        size: (height, width) that should fit into the scene.
        window: (height, width) of the windows to cut.
        wild: any rotation, as for the textures of objects; else an upright picture, or one
            turned by quarters if it is square.
    """
    full = store.sizes[scene, 0].astype(np.float64)
    largest = np.min(full / (np.asarray(size) * 1.08), axis=1)
    high = np.clip(largest, 0.3, _SCALE[1])
    low = np.minimum(high, _SCALE[0])
    scale = low * (high / low) ** draws.unit()
    level = np.clip(np.round(np.log2(scale) + 0.2), 0, store.sizes.shape[1] - 1).astype(np.int64)
    step = scale / 2.0**level
    turn = draws.uniform(-math.pi, math.pi) if wild else np.zeros(len(scene))
    tilt = draws.normal(1.0) * draws.chance(0.4)
    turn = turn + np.clip(np.radians(tilt), -_LARGEST_TURN, _LARGEST_TURN)
    quarters = np.floor(4.0 * draws.unit()) * (size[0] == size[1])
    # Objects and horizons are mostly upright in photographs: half of the patches stay so.
    turn = turn + 0.5 * np.pi * quarters * draws.chance(0.5)
    flip = np.where(draws.chance(0.5), -1.0, 1.0)
    cosine, sine = np.cos(turn) * step, np.sin(turn) * step
    read = np.stack([np.stack([cosine * flip, -sine], -1), np.stack([sine * flip, cosine], -1)], -2)

    cell = (np.cumsum(store.cells[scene], axis=1) < draws.unit()[:, None]).sum(axis=1)
    cell = np.minimum(cell, CELLS[0] * CELLS[1] - 1)
    share = (np.stack([cell // CELLS[1], cell % CELLS[1]], -1) + draws.unit(2)) / CELLS
    extent = store.sizes[scene, level].astype(np.float64)
    half = 0.5 * step[:, None] * np.asarray(size)
    middle = np.where(
        2.0 * half < extent, np.clip(share * extent, half, extent - half), 0.5 * extent
    )
    origin = np.floor(middle).astype(np.int64) - np.asarray(window) // 2
    centre = (middle - origin)[:, ::-1] - 0.5
    return level, origin, np.ascontiguousarray(centre), read
