"""`LayerPlan`: every random decision about the objects that move through a batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ahdr_cli.training.draws import BoolArray, Draws, FloatArray, IntArray
from ahdr_cli.training.placement import draw_place, layer_window, radius_limit
from ahdr_cli.training.recipe import Recipe
from ahdr_cli.training.scenes import SceneStore

__all__ = ["ANCHORS", "CAPSULES", "HARMONICS", "SHAPES", "SIDES", "LayerPlan", "plan_layers"]

SHAPES = ("blob", "polygon", "limbs")
"""Kinds of object outline, see :mod:`ahdr_cli.training.shapes`."""

HARMONICS = 4
SIDES = 6
CAPSULES = 5
ANCHORS = 16
"""Object positions are led to cells of an ANCHORS × ANCHORS grid over the patch."""

_MAX_LAYERS = 3


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


def plan_layers(
    draws: Draws,
    store: SceneStore,
    background: IntArray,
    ratios: FloatArray,
    *,
    moving: BoolArray,
    size: tuple[int, int],
    recipe: Recipe,
) -> LayerPlan:
    """Draw the objects of every sample.

    Args:
        draws: random numbers.
        store: scenes for the textures.
        background: (N,) scene numbers, which the textures avoid.
        ratios: (N, 3) exposure ratios.
        moving: (N,) whether anything moves.
        size: (height, width) of the patches.
        recipe: the mixture.
    """
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
    side = layer_window(size)
    inside = math.ceil(2.0 * radius_limit(size) / 1.08)
    level, origin, centre, read = draw_place(
        draws, store, scene, size=(inside, inside), window=(side, side), wild=True
    )

    limit = radius_limit(size)
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
