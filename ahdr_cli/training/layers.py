"""`LayerRenderer`: moving objects in front of the background."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ahdr_cli.training.layer_plan import ANCHORS, SHAPES
from ahdr_cli.training.plan import BatchPlan
from ahdr_cli.training.sampling import colour, patch_points, put, ranked_brightness, sample
from ahdr_cli.training.scenes import SceneStore
from ahdr_cli.training.shapes import blob_distance, limbs_distance, polygon_distance

__all__ = ["LayerRenderer"]

_BLUR_STEPS = 5


class LayerRenderer:
    """Draws the objects of a plan.

    Args:
        store: scenes for the textures.
        plan: of the batch.
        ranked: (N, K) sorted brightness of each background, units of the shortest frame's white.
    """

    def __init__(self, store: SceneStore, plan: BatchPlan, ranked: Tensor) -> None:
        self._store = store
        self._plan = plan
        self._ranked = ranked
        self._device = store.device

    def composite(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Put the objects in front of the backgrounds.

        Args:
            frames: (N, 3, 3, H, W) backgrounds as each frame sees them.

        Returns:
            The frames with objects, and (N, H, W) where objects moved.
        """
        motion = torch.zeros_like(frames[:, 0, 0])
        layers = self._plan.layers
        if not len(layers):
            return frames, motion
        textures = self._textures()
        centres = self._centres(frames)
        for order in range(int(layers.order.max()) + 1):
            rows = np.flatnonzero(layers.order == order)
            owner = put(layers.owner[rows], self._device)
            picked = put(rows, self._device)
            cover, light = self._draw(rows, textures[picked], centres[picked])
            below = frames.index_select(0, owner)
            frames = frames.index_copy(0, owner, below * (1.0 - cover) + light)
            seen = cover[:, :, 0]
            moved = seen.amax(1) - seen.amin(1)
            motion = motion.index_copy(0, owner, torch.maximum(motion[owner], moved))
        return frames, motion

    def _textures(self) -> Tensor:
        """(M, 3, h, w) windows for all objects, brought to their brightness."""
        layers = self._plan.layers
        side = self._plan.layer_window
        window = self._store.windows(layers.scene, layers.level, layers.origin, size=(side, side))
        window = colour(window, self._put(layers.gain), self._put(layers.saturation))
        own = ranked_brightness(window)
        median = own[:, own.shape[1] // 2].clamp(min=1e-5)
        place = np.rint(layers.tone * (self._ranked.shape[1] - 1)).astype(np.int64)
        owner = self._put(layers.owner)
        level = self._ranked[owner].gather(1, self._put(place)[:, None])[:, 0]
        gain = level * torch.exp2(self._put(layers.stops)) / median
        return window * gain.view(-1, 1, 1, 1)

    def _centres(self, frames: Tensor) -> Tensor:
        """(M, 3, 2) object positions per frame; many are led across clipped regions."""
        plan, layers = self._plan, self._plan.layers
        reference = self._put(plan.ratios)[:, 1]
        clipped = frames[:, 1].amax(1) * reference[:, None, None] >= 1.0
        cells = functional.adaptive_avg_pool2d(clipped[:, None].float(), ANCHORS).flatten(1)
        owner = self._put(layers.owner)
        priority = self._put(layers.anchor_priority) + 1.0
        best, cell = (priority * (cells[owner] >= 0.5)).max(1)
        extent = torch.tensor([plan.size[1], plan.size[0]], device=self._device)
        column, row = cell % ANCHORS, cell // ANCHORS
        led = ((torch.stack([column, row], -1) + 0.5) / ANCHORS - 0.5) * extent
        offset = self._put(layers.offset)
        frame = self._put(layers.anchor_frame)
        at_anchor = offset.gather(1, frame[:, None, None].expand(-1, 1, 2))[:, 0]
        lead = (best > 0.0) & self._put(layers.anchored)
        position = torch.where(lead[:, None], led - at_anchor, self._put(layers.position))
        return position[:, None] + offset

    def _draw(self, rows: np.ndarray, textures: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
        """Coverage (M, 3, 1, H, W) and the light that comes with it (M, 3, 3, H, W)."""
        layers = self._plan.layers
        velocity = 0.5 * (centres[:, 2:] - centres[:, :1]) * self._put(layers.blur[rows])[..., None]
        cover, light = self._pose(rows, textures, centres)
        streaked = np.flatnonzero(layers.blur[rows, 2] > 0.0)
        if len(streaked):
            picked = self._put(streaked)
            total = torch.zeros_like(light[picked])
            covered = torch.zeros_like(cover[picked])
            # The reference pose is the middle of the exposure, so the truth is blurred alike.
            for time in np.linspace(-0.5, 0.5, _BLUR_STEPS):
                moved = centres[picked] + float(time) * velocity[picked]
                part = self._pose(rows[streaked], textures[picked], moved)
                covered += part[0] / _BLUR_STEPS
                total += part[1] / _BLUR_STEPS
            cover = cover.index_copy(0, picked, covered)
            light = light.index_copy(0, picked, total)
        return cover, light

    def _pose(self, rows: np.ndarray, textures: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
        """Coverage and light of objects that stand still at `centres` (M, 3, 2)."""
        layers = self._plan.layers
        away = patch_points(self._plan.size, self._device) - centres[:, :, None, None]
        angle = self._put(layers.angle[rows])[:, :, None, None]
        scale = self._put(layers.scale[rows])[:, :, None, None]
        cosine, sine = angle.cos() / scale, angle.sin() / scale
        x = cosine * away[..., 0] + sine * away[..., 1]
        y = cosine * away[..., 1] - sine * away[..., 0]
        wobble = self._put(layers.wobble[rows])[:, :, None, None]
        rate = 2.0 * torch.pi / wobble[..., 1]
        x, y = (
            x + wobble[..., 0] * torch.sin(rate * y + wobble[..., 2]),
            y + wobble[..., 0] * torch.sin(rate * x + wobble[..., 3]),
        )
        points = torch.stack([x, y], -1)
        distance = self._distance(rows, points)
        softness = self._put(layers.softness[rows])[:, None, None, None]
        present = self._put(layers.present[rows])[:, :, None, None]
        cover = (0.5 - distance / softness).clamp(0.0, 1.0) * present
        light = sample(
            textures, points, self._put(layers.read[rows]), self._put(layers.centre[rows])
        )
        return cover[:, :, None], light * cover[:, :, None]

    def _distance(self, rows: np.ndarray, points: Tensor) -> Tensor:
        layers = self._plan.layers
        distance = torch.empty_like(points[..., 0])
        for number, shape in enumerate(SHAPES):
            chosen = np.flatnonzero(layers.shape[rows] == number)
            if not len(chosen):
                continue
            where, own = self._put(chosen), rows[chosen]
            radius = self._put(layers.radius[own])
            near = points[where]
            if shape == "blob":
                found = blob_distance(
                    near,
                    radius=radius,
                    aspect=self._put(layers.aspect[own]),
                    harmonics=self._put(layers.harmonics[own]),
                )
            elif shape == "polygon":
                found = polygon_distance(near, radius=radius, sides=self._put(layers.sides[own]))
            else:
                found = limbs_distance(
                    near, radius=radius, capsules=self._put(layers.capsules[own])
                )
            distance.index_copy_(0, where, found)
        return distance

    def _put(self, array: np.ndarray) -> Tensor:
        return put(array, self._device)
