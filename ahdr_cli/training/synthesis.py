"""`SynthesisEngine`: bracketed photographs of moving scenes, rendered from radiance maps.

Three steps: :func:`plan_batch` draws what shall happen, `_render` makes the linear radiance
that each frame sees, and `_capture` turns it into three photographs. All frames, the
reference included, are sampled from the scene with the same kernel at random sub-pixel phases,
so that sharpness gives no frame away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ahdr_cli.training.batch import Batch
from ahdr_cli.training.camera import add_noise, apply_response, encode
from ahdr_cli.training.draws import stream_seed
from ahdr_cli.training.layers import LayerRenderer
from ahdr_cli.training.plan import BatchPlan, plan_batch
from ahdr_cli.training.recipe import Recipe
from ahdr_cli.training.sampling import colour, patch_points, put, ranked_brightness, sample
from ahdr_cli.training.scenes import SceneStore

__all__ = ["Rendering", "SynthesisEngine"]

_NOISE = 1  # purpose number of the noise stream
_DARKEST_WHITE = 1e-4
_MID_GREY = 0.18  # where packed scenes have their geometric mean


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """What the scene sends to the camera, before exposure.

    Attributes:
        radiance: (N, 3, 3, H, W) linear, axis 1 frames (short, reference, long), axis 2 RGB,
            in units of the shortest frame's white, ≥ 0 and not clipped at 1.
        motion: (N, H, W) in [0, 1]: coverage by objects that are elsewhere, or not there, in
            another frame.
    """

    radiance: Tensor
    motion: Tensor


class SynthesisEngine:
    """Synthetic brackets from a scene store.

    Args:
        store: the scenes, on the device where the batches shall be made.
        seed: ≥ 0; together with a sample's index it fixes the sample.
        recipe: the mixture.
    """

    def __init__(self, store: SceneStore, *, seed: int = 0, recipe: Recipe | None = None) -> None:
        self.store = store
        self.seed = seed
        self.recipe = recipe or Recipe()

    @property
    def device(self) -> torch.device:
        """Where the batches live."""
        return self.store.device

    def batch(self, indices: Sequence[int], *, patch: int) -> Batch:
        """The samples `indices`, square patches; see :class:`ahdr_cli.training.batch.Engine`."""
        plan = self.plan(indices, size=(patch, patch))
        return self.capture(plan, self.render(plan))

    def plan(self, indices: Sequence[int], *, size: tuple[int, int]) -> BatchPlan:
        """Every decision about the samples `indices`, patches of (height, width)."""
        return plan_batch(self.store, indices, seed=self.seed, size=size, recipe=self.recipe)

    @torch.no_grad()
    def render(self, plan: BatchPlan) -> Rendering:
        """The radiance that each frame sees."""
        window = self.store.windows(plan.scene, plan.level, plan.origin, size=plan.window)
        window = colour(window, self._put(plan.gain), self._put(plan.saturation))
        window = self._contrasted(plan, window)
        ranked = ranked_brightness(window)
        white = self._white(plan, ranked)
        window = window / white.view(-1, 1, 1, 1)
        points = self._background_points(plan)
        frames = sample(window, points, self._put(plan.read), self._put(plan.centre))
        layers = LayerRenderer(self.store, plan, ranked / white[:, None])
        return Rendering(*layers.composite(frames))

    @torch.no_grad()
    def capture(self, plan: BatchPlan, rendering: Rendering) -> Batch:
        """Photograph a rendering."""
        radiance = rendering.radiance
        exposure = self._put(plan.exposure).view(-1, 3, 1, 1, 1)
        signal = add_noise(
            radiance * exposure,
            shot=self._put(plan.shot_noise),
            read=self._put(plan.read_noise),
            grain=self._put(plan.grain),
            noise=self._noise(plan),
        ).clamp(0.0, 1.0)
        rows = np.flatnonzero(plan.coding == 2)
        ldr = encode(
            apply_response(signal, self._put(plan.response)),
            coding=self._put(plan.coding),
            jpeg_rows=self._put(rows),
            quality=self._put(plan.quality[rows]),
            subsample=self._put(plan.subsample[rows]),
            grid=self._put(plan.grid[rows]),
        )
        return Batch(ldr=ldr, ratios=self._put(plan.ratios), target=radiance[:, 1].clamp(0.0, 1.0))

    def _put(self, array: NDArray[np.generic]) -> Tensor:
        return put(array, self.device)

    def _white(self, plan: BatchPlan, ranked: Tensor) -> Tensor:
        """Radiance that saturates the shortest frame, (N,)."""
        place = np.rint(plan.percentile * (ranked.shape[1] - 1)).astype(np.int64)
        local = ranked.gather(1, self._put(place)[:, None])[:, 0]
        whole = _MID_GREY * (plan.white / _MID_GREY) ** plan.contrast
        white = torch.where(self._put(plan.white_local), local, self._put(whole))
        white = white * torch.exp2(-self._put(plan.stops))
        # A flat patch at a high percentile would be white all over in the reference.
        place = np.rint((1.0 - plan.clipped) * (ranked.shape[1] - 1)).astype(np.int64)
        limit = ranked.gather(1, self._put(place)[:, None])[:, 0]
        limit = limit * self._put(plan.ratios[:, 1] * (plan.clipped < 1.0))
        return torch.maximum(white, limit).clamp(min=_DARKEST_WHITE)

    def _contrasted(self, plan: BatchPlan, window: Tensor) -> Tensor:
        """Windows with harder or softer light, where the plan says so."""
        rows = np.flatnonzero(plan.contrast != 1.0)
        if not len(rows):
            return window
        picked = self._put(rows)
        exponent = self._put(plan.contrast[rows]).view(-1, 1, 1, 1)
        bent = (window.index_select(0, picked) / _MID_GREY).pow(exponent) * _MID_GREY
        return window.index_copy(0, picked, bent)

    def _background_points(self, plan: BatchPlan) -> Tensor:
        """(N, 3, H, W, 2) patch positions that each frame's pixels look at."""
        base = patch_points(plan.size, self.device)
        tilt = self._put(plan.tilt)[:, :, None, None]
        shift = self._put(plan.shift)[:, :, None, None, :]
        cosine, sine = tilt.cos(), tilt.sin()
        x, y = base[..., 0], base[..., 1]
        turned = torch.stack([cosine * x - sine * y, sine * x + cosine * y], -1) + shift
        swaying = np.flatnonzero(np.abs(plan.sway[..., 0]).max(axis=(1, 2, 3)) > 0.0)
        if len(swaying):
            waves = self._put(plan.sway[swaying])[:, :, :, :, :, None, None]
            phase = waves[:, :, :, :, 1] * x + waves[:, :, :, :, 2] * y + waves[:, :, :, :, 3]
            moved = (waves[:, :, :, :, 0] * phase.sin()).sum(3).movedim(2, -1)
            turned = turned.index_add(0, self._put(swaying), moved)
        return turned

    def _noise(self, plan: BatchPlan) -> Tensor:
        """Standard normal (N, 3, 3, H, W), each sample from a generator of its own."""
        noise = torch.zeros(len(plan), 3, 3, *plan.size, device=self.device)
        generator = torch.Generator(device=self.device)
        for row, index in enumerate(plan.indices):
            if plan.shot_noise[row] > 0.0:
                generator.manual_seed(stream_seed(plan.seed, index, _NOISE))
                noise[row].normal_(generator=generator)
        return noise
