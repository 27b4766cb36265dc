"""`plan_batch`: every random decision about a batch of synthetic brackets, as numpy arrays.

The plan is made on the CPU from one random stream per sample and is small; the pixels are
rendered from it on the engine's device (:mod:`ahdr_cli.training.synthesis`).

Geometry: positions are (x, y) in output pixels from the patch centre. The background and the
texture of each object are read from a scene through a 2×2 matrix `read` that maps output
offsets to scene offsets (scale, quarter turns, flips, a small rotation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ahdr_cli.training.draws import BoolArray, Draws, FloatArray, IntArray
from ahdr_cli.training.recipe import KINDS, Recipe
from ahdr_cli.training.scenes import CELLS, QUANTILES, SceneStore

__all__ = ["CAPSULES", "HARMONICS", "SHAPES", "SIDES", "BatchPlan", "LayerPlan", "plan_batch"]

SHAPES = ("blob", "polygon", "limbs")
"""Kinds of object outline, see :mod:`ahdr_cli.training.shapes`."""

HARMONICS = 4
SIDES = 6
CAPSULES = 5
ANCHORS = 16
"""Object positions are led to cells of an ANCHORS × ANCHORS grid over the patch."""

_MAX_LAYERS = 3
_DRAW_WIDTH = 2048
# Scene pixels per output pixel. Environment maps are soft: below 1 they would only be blurred.
_SCALE = (0.85, 2.6)
_MARGIN = 10
_LARGEST_RADIUS = 110.0
_LARGEST_TURN = math.radians(4.0)
# Level choice `round(log2 scale + 0.2)` leaves at most 2^0.3 pixels of a level per output pixel.
_LARGEST_STEP = 2.0**0.3


@dataclass(frozen=True, slots=True, eq=False)
class LayerPlan:
    """M moving objects of the whole batch, in order of compositing per sample.

    Frame axes run short, reference, long.
    """

    owner: IntArray  # (M,) row of the batch
    order: IntArray  # (M,) 0 for the first object of a sample, 1 for the next
    scene: IntArray  # (M,)
    level: IntArray  # (M,)
    origin: IntArray  # (M, 2) window origin, row and column
    centre: FloatArray  # (M, 2) x, y of the texture's centre in the window
    read: FloatArray  # (M, 2, 2)
    gain: FloatArray  # (M, 3) colour
    saturation: FloatArray  # (M,)
    stops: FloatArray  # (M,) brightness against the background quantile `tone`
    tone: FloatArray  # (M,) in [0, 1]
    shape: IntArray  # (M,) index into SHAPES
    radius: FloatArray  # (M,)
    aspect: FloatArray  # (M,)
    harmonics: FloatArray  # (M, HARMONICS, 2) amplitude, phase
    sides: FloatArray  # (M, SIDES, 2) angle, distance over radius
    capsules: FloatArray  # (M, CAPSULES, 5) from x, y, to x, y, thickness, over radius
    softness: FloatArray  # (M,) width of the edge
    blur: FloatArray  # (M, 3) motion during each exposure, as a share of the next displacement
    position: FloatArray  # (M, 2) in the patch, used where nothing is clipped
    anchored: BoolArray  # (M,) lead it to a clipped place if there is one
    anchor_frame: IntArray  # (M,) in which frame it is there
    anchor_priority: FloatArray  # (M, ANCHORS²)
    offset: FloatArray  # (M, 3, 2) displacement against the reference frame
    angle: FloatArray  # (M, 3)
    scale: FloatArray  # (M, 3)
    wobble: FloatArray  # (M, 3, 4) amplitude, wavelength, phase x, phase y
    present: BoolArray  # (M, 3)

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.owner)


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

    window = (_window(size[0], size[1]), _window(size[1], size[0]))
    scene = draws.choice(store.weights)
    level, origin, centre, read = _place(draws, store, scene, size=size, window=window)
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
        layer_window=_layer_window(size),
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
        layers=_plan_layers(draws, store, scene, ratios, moving=moving, size=size, recipe=recipe),
    )


def _window(along: int, across: int) -> int:
    turned = along * math.cos(_LARGEST_TURN) + across * math.sin(_LARGEST_TURN)
    return math.ceil(turned * _LARGEST_STEP) + 2 * _MARGIN


def _layer_window(size: tuple[int, int]) -> int:
    return math.ceil(2.2 * _LARGEST_STEP * _radius_limit(size)) + 8


def _radius_limit(size: tuple[int, int]) -> float:
    return min(0.42 * min(size), _LARGEST_RADIUS)


def _place(
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


def _plan_layers(
    draws: Draws,
    store: SceneStore,
    background: IntArray,
    ratios: FloatArray,
    *,
    moving: BoolArray,
    size: tuple[int, int],
    recipe: Recipe,
) -> LayerPlan:
    wanted = (1 + draws.choice(recipe.layers)) * moving
    # A tripod scene may hold an object that does not move: an edge like any other.
    plans = [
        _plan_layer(draws, store, background, ratios, order=order, size=size, recipe=recipe)
        for order in range(_MAX_LAYERS)
    ]
    chosen = [np.flatnonzero(wanted > order) for order in range(_MAX_LAYERS)]
    merged = {
        name: np.concatenate([plan[name][rows] for plan, rows in zip(plans, chosen, strict=True)])
        for name in plans[0]
    }
    return LayerPlan(
        owner=np.concatenate(chosen).astype(np.int64),
        order=np.concatenate(
            [np.full(len(rows), order, dtype=np.int64) for order, rows in enumerate(chosen)]
        ),
        **merged,
    )


def _plan_layer(
    draws: Draws,
    store: SceneStore,
    background: IntArray,
    ratios: FloatArray,
    *,
    order: int,
    size: tuple[int, int],
    recipe: Recipe,
) -> dict[str, np.ndarray]:
    """One object for every sample, needed or not: each sample's stream is read alike."""
    count = len(background)
    extent = np.array([size[1], size[0]], dtype=np.float64)
    scene = draws.choice(store.weights)
    scene = np.where(scene == background, (scene + 1 + order) % len(store), scene)
    side = _layer_window(size)
    inside = math.ceil(2.0 * _radius_limit(size) / 1.08)
    level, origin, centre, read = _place(
        draws, store, scene, size=(inside, inside), window=(side, side), wild=True
    )

    limit = _radius_limit(size)
    radius = draws.log_uniform(min(max(5.0, 0.15 * limit), 0.5 * limit), limit)
    shape = draws.choice((0.4, 0.25, 0.35))
    harmonics = np.stack(
        [
            draws.normal(1.0, HARMONICS) * np.array([0.12, 0.09, 0.06, 0.04]),
            draws.uniform(0.0, 2.0 * np.pi, HARMONICS),
        ],
        -1,
    )
    corners = 2.0 * np.pi * (np.arange(SIDES) + draws.uniform(-0.4, 0.4, SIDES)) / SIDES
    sides = np.stack([corners, draws.uniform(0.45, 1.0, SIDES)], -1)

    speed = draws.log_uniform(recipe.displacement[0], recipe.displacement[1])
    speed = np.minimum(speed, 0.9 * min(size)) * ~draws.chance(0.08)
    heading = draws.uniform(0.0, 2.0 * np.pi)
    step = speed[:, None] * np.stack([np.cos(heading), np.sin(heading)], -1)
    swerve = draws.normal(1.0, 3, 2) * 0.25 * speed[:, None, None]
    erratic = draws.chance(0.25)[:, None]
    offset = np.zeros((count, 3, 2))
    offset[:, 0] = -step + swerve[:, 0]
    offset[:, 2] = np.where(erratic, swerve[:, 2] * 4.0, step + swerve[:, 1])
    deforms = draws.chance(0.5)
    wobble = np.empty((count, 3, 4))
    wobble[..., 0] = (draws.unit() * 0.1 * radius * deforms)[:, None]
    wobble[..., 1] = (draws.uniform(0.8, 2.5) * radius)[:, None]
    wobble[..., 2:] = draws.uniform(0.0, 2.0 * np.pi, 3, 2)
    moves = speed > 0.0
    pose = np.array([1.0, 0.0, 1.0]) * moves[:, None]
    wobble[..., 2:] *= moves[:, None, None]

    # During its exposure a frame sees the object travel; the long frame the longest way.
    shutter = draws.uniform(0.1, 0.8) * draws.chance(0.3)
    relative = ratios / ratios[:, 2:]
    presence = np.array([[1, 1, 1], [0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1]], bool)
    return {
        "scene": scene,
        "level": level,
        "origin": origin,
        "centre": centre,
        "read": read,
        "gain": np.exp2(draws.normal(0.2, 3)),
        "saturation": draws.uniform(0.5, 1.4),
        "stops": draws.normal(recipe.brightness),
        "tone": draws.uniform(0.2, 0.97),
        "shape": shape,
        "radius": radius,
        "aspect": draws.log_uniform(0.4, 2.5),
        "harmonics": harmonics,
        "sides": sides,
        "capsules": _limbs(draws),
        "softness": np.where(
            draws.chance(0.75), draws.uniform(0.9, 1.6), draws.log_uniform(1.6, 6.0)
        ),
        "blur": shutter[:, None] * relative,
        "position": (draws.unit(2) - 0.5) * extent,
        "anchored": draws.chance(recipe.clipped_anchor),
        "anchor_frame": draws.choice((0.3, 0.45, 0.25)),
        "anchor_priority": draws.unit(ANCHORS * ANCHORS),
        "offset": offset,
        "angle": np.radians(draws.normal(9.0, 3)) * pose,
        "scale": np.exp2(draws.normal(0.09, 3) * pose),
        "wobble": wobble,
        "present": presence[draws.choice((0.7, 0.07, 0.06, 0.07, 0.05, 0.05))],
    }


def _limbs(draws: Draws) -> FloatArray:
    """Chains of thick lines: branches, poles, figures. Units of the object's radius."""
    count = len(draws.unit())
    heading = draws.uniform(0.0, 2.0 * np.pi)
    turns = draws.normal(0.8, CAPSULES)
    lengths = draws.uniform(0.3, 0.9, CAPSULES)
    thickness = draws.log_uniform(0.04, 0.45, 1) * draws.uniform(0.6, 1.5, CAPSULES)
    parents = draws.unit(CAPSULES)
    capsules = np.zeros((count, CAPSULES, 5))
    tips = np.zeros((count, CAPSULES + 1, 2))
    tips[:, 0] = -0.8 * np.stack([np.cos(heading), np.sin(heading)], -1)
    every = np.arange(count)
    for number in range(CAPSULES):
        heading = heading + turns[:, number]
        parent = np.floor(parents[:, number] * (number + 1)).astype(np.int64)
        # Mostly grow from the last tip, so that chains come out longer than bushes.
        parent = np.where(parents[:, number] > 0.5, number, parent)
        start = tips[every, parent]
        length = lengths[:, number] * (1.6 if number == 0 else 1.0)
        end = start + length[:, None] * np.stack([np.cos(heading), np.sin(heading)], -1)
        end = np.clip(end, -0.95, 0.95)
        tips[:, number + 1] = end
        capsules[:, number, 0:2] = start
        capsules[:, number, 2:4] = end
        capsules[:, number, 4] = thickness[:, number]
    return capsules
