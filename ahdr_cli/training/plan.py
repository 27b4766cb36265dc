"""`plan_batch`: every random decision about a batch of synthetic brackets, as numpy arrays.

The plan is made on the CPU from one random stream per sample and is small; the pixels are
rendered from it on the engine's device (:mod:`ahdr_cli.training.synthesis`).

Geometry: positions are (x, y) in output pixels from the patch centre. The background and the
texture of each object are read from a scene through a 2×2 matrix `read` that maps output
offsets to scene offsets (scale, quarter turns, flips, a small rotation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ahdr_cli.training.draws import BoolArray, Draws, FloatArray, IntArray
from ahdr_cli.training.layer_plan import LayerPlan, plan_layers
from ahdr_cli.training.placement import draw_place, layer_window, window_side
from ahdr_cli.training.recipe import KINDS, Recipe
from ahdr_cli.training.scenes import QUANTILES, SceneStore

__all__ = ["BatchPlan", "plan_batch"]

_DRAW_WIDTH = 2048


@dataclass(frozen=True, slots=True, eq=False)
class BatchPlan:
    """N brackets. Frame axes run short, reference, long."""

    indices: tuple[int, ...]
    seed: int
    size: tuple[int, int]  # height, width
    window: tuple[int, int]
    layer_window: int
    kind: IntArray  # (N,) index into KINDS
    scene: IntArray  # (N,)
    level: IntArray  # (N,)
    origin: IntArray  # (N, 2)
    centre: FloatArray  # (N, 2)
    read: FloatArray  # (N, 2, 2)
    gain: FloatArray  # (N, 3)
    saturation: FloatArray  # (N,)
    white: FloatArray  # (N,) radiance at the shortest frame's white, from the whole scene
    white_local: BoolArray  # (N,) take it from the window instead
    percentile: FloatArray  # (N,)
    stops: FloatArray  # (N,) darker (< 0) or brighter than that
    clipped: FloatArray  # (N,) largest share of the window that the reference may clip
    contrast: FloatArray  # (N,) exponent of the scene's radiance about mid grey
    ratios: FloatArray  # (N, 3)
    exposure: FloatArray  # (N, 3) true exposures; equal to ratios up to a small error
    shift: FloatArray  # (N, 3, 2)
    tilt: FloatArray  # (N, 3) radians
    sway: FloatArray  # (N, 3, 2, 3, 4) local motion: per axis 3 waves of amplitude, kx, ky, phase
    shot_noise: FloatArray  # (N,)
    read_noise: FloatArray  # (N,)
    grain: FloatArray  # (N,) share of the noise that is correlated between neighbours
    response: FloatArray  # (N, 3) coefficients of the tone curve's deviation
    coding: IntArray  # (N,) 0: 16 bit, 1: 8 bit, 2: JPEG
    quality: FloatArray  # (N,) JPEG
    subsample: BoolArray  # (N,) JPEG 4:2:0
    grid: IntArray  # (N, 2) phase of the JPEG block grid
    layers: LayerPlan

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.kind)


def plan_batch(
    store: SceneStore,
    indices: Sequence[int],
    *,
    seed: int,
    size: tuple[int, int],
    recipe: Recipe,
) -> BatchPlan:
    """Draw everything about the samples `indices`.

    Args:
        store: the scenes to cut from.
        indices: sample numbers ≥ 0.
        seed: of the run.
        size: (height, width) of the patches.
        recipe: the mixture.
    """
    draws = Draws(seed, indices, width=_DRAW_WIDTH)
    kind = draws.choice(recipe.kinds)
    still_camera = np.isin(kind, (KINDS.index("static"), KINDS.index("tripod-motion")))
    static = kind == KINDS.index("static")
    moving = np.isin(kind, (KINDS.index("tripod-motion"), KINDS.index("handheld-motion")))

    window = (window_side(size[0], size[1]), window_side(size[1], size[0]))
    scene = draws.choice(store.weights)
    level, origin, centre, read = draw_place(draws, store, scene, size=size, window=window)
    percentile = draws.uniform(*recipe.percentile)
    white = np.array(
        [
            np.interp(p, QUANTILES, store.quantiles[s])
            for p, s in zip(percentile, scene, strict=True)
        ]
    )
    ratios = _ratios(draws, recipe)
    drift = draws.normal(recipe.exposure_error, 3) * draws.chance(1 / 3, 1)
    drift *= ~static[:, None] * np.array([1.0, 0.0, 1.0])

    # The reference frame has the geometry of the truth: it never shakes.
    outer = np.array([1.0, 0.0, 1.0])
    camera = outer * ~still_camera[:, None]
    shift = draws.normal(recipe.shift, 3, 2) * camera[:, :, None]
    tilt = np.radians(draws.normal(recipe.tilt, 3)) * camera
    sway = _sway(draws) * outer[:, None, None, None] * ~static[:, None, None, None, None]

    level_of_noise = draws.unit() * np.where(static, 0.55, 1.0)
    noisy = draws.chance(0.85) | ~static
    shot = recipe.shot_noise[0] * (recipe.shot_noise[1] / recipe.shot_noise[0]) ** level_of_noise
    read_level = np.clip(level_of_noise + draws.normal(0.08), 0.0, 1.0)
    read_noise = recipe.read_noise[0] * (recipe.read_noise[1] / recipe.read_noise[0]) ** read_level

    response = draws.normal(1.0, 3) * recipe.response * np.array([1.0, 0.7, 0.7])
    response *= (draws.chance(recipe.response_share) & ~static)[:, None]
    coding = np.where(static, draws.choice((0.25, 0.5, 0.25)), draws.choice((0.2, 0.35, 0.45)))
    quality = np.where(static, draws.uniform(93.0, 99.0), draws.uniform(82.0, 98.0))
    dimmer, brighter = draws.unit(), draws.unit()
    stops = np.where(
        dimmer < recipe.dimmer,
        -draws.uniform(0.0, recipe.dimmer_stops),
        np.where(dimmer > 1.0 - recipe.brighter, brighter * recipe.brighter_stops, 0.0),
    )
    return BatchPlan(
        indices=tuple(int(index) for index in indices),
        seed=seed,
        size=size,
        window=window,
        layer_window=layer_window(size),
        kind=kind,
        scene=scene,
        level=level,
        origin=origin,
        centre=centre,
        read=read,
        gain=np.exp2(draws.normal(0.1, 3)),
        saturation=draws.uniform(0.65, 1.25),
        white=white,
        white_local=draws.chance(0.5),
        percentile=percentile,
        stops=stops,
        clipped=np.where(draws.chance(0.9), draws.uniform(0.15, 0.8), 1.0),
        contrast=np.where(
            draws.chance(recipe.contrast_share), draws.log_uniform(*recipe.contrast), 1.0
        ),
        ratios=ratios,
        exposure=ratios * np.exp2(drift),
        shift=shift,
        tilt=tilt,
        sway=sway,
        shot_noise=shot * noisy,
        read_noise=read_noise * noisy,
        grain=draws.unit() * draws.chance(0.5),
        response=response,
        coding=coding,
        quality=quality,
        subsample=draws.chance(0.65),
        grid=(draws.unit(2) * 16).astype(np.int64),
        layers=plan_layers(draws, store, scene, ratios, moving=moving, size=size, recipe=recipe),
    )


def _ratios(draws: Draws, recipe: Recipe) -> FloatArray:
    common = draws.chance(recipe.common_spacing, 1)
    first = draws.uniform(*recipe.spacing, 1)
    second = np.where(draws.chance(recipe.uneven, 1), draws.uniform(*recipe.spacing, 1), first)
    steps = np.where(common, 2.0, np.concatenate([first, second], axis=1))
    ratios: FloatArray = np.exp2(
        np.concatenate([np.zeros_like(first), np.cumsum(steps, axis=1)], axis=1)
    )
    return ratios


def _sway(draws: Draws) -> FloatArray:
    """Local motion of the background (leaves, parallax, water) as three waves per axis."""
    amplitude = draws.log_uniform(0.2, 3.5) * draws.chance(0.35)
    waves = np.empty((len(amplitude), 3, 2, 3, 4))
    waves[..., 0] = draws.normal(0.5, 3, 2, 3) * amplitude[:, None, None, None]
    length = draws.log_uniform(24.0, 160.0, 3, 2, 3)
    heading = draws.uniform(0.0, 2.0 * np.pi, 3, 2, 3)
    waves[..., 1] = 2.0 * np.pi * np.cos(heading) / length
    waves[..., 2] = 2.0 * np.pi * np.sin(heading) / length
    waves[..., 3] = draws.uniform(0.0, 2.0 * np.pi, 3, 2, 3)
    return waves
