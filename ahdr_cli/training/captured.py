"""`CapturedEngine`: training patches cut from brackets that exist, such as Kalantari's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ahdr_cli.errors import InputError
from ahdr_cli.training.batch import Batch
from ahdr_cli.training.draws import Draws

__all__ = ["CapturedBracket", "CapturedEngine"]


@dataclass(frozen=True, slots=True, eq=False)
class CapturedBracket:
    """One bracket with its ground truth.

    Attributes:
        name: of its folder.
        frames: (3, H, W, 3) uint16, display-encoded, 65535 = white; short, reference, long.
        ratios: exposures relative to the shortest frame.
        truth: (H, W, 3) float16 linear in the reference's geometry, in units of the shortest
            frame's white, in [0, 1]. Half precision costs less than -90 dB in the μ-law domain.
    """

    name: str
    frames: NDArray[np.uint16]
    ratios: tuple[float, float, float]
    truth: NDArray[np.float16]


class CapturedEngine:
    """Random crops of captured brackets, flipped and turned by quarters.

    The brackets stay in main memory (36 MB for one of 1500×1000); only patches are moved.

    Args:
        brackets: at least one; each is drawn equally often.
        seed: ≥ 0; together with a sample's index it fixes the sample.
        device: where the batches go.
    """

    def __init__(
        self,
        brackets: Sequence[CapturedBracket],
        *,
        seed: int,
        device: torch.device | str = "cpu",
    ) -> None:
        assert brackets
        self.brackets = tuple(brackets)
        self.seed = seed
        self._device = torch.device(device)

    @property
    def device(self) -> torch.device:
        """Where the batches live."""
        return self._device

    def batch(self, indices: Sequence[int], *, patch: int) -> Batch:
        """The samples `indices`; see :class:`ahdr_cli.training.batch.Engine`.

        Raises:
            InputError: a bracket is smaller than the patch.
        """
        draws = Draws(self.seed, indices, width=6)
        scene = np.floor(draws.unit() * len(self.brackets)).astype(np.int64)
        place = draws.unit(2)
        quarters = np.floor(4.0 * draws.unit()).astype(np.int64)
        flip = draws.chance(0.5)
        ldr = np.empty((len(indices), 3, 3, patch, patch), np.float32)
        target = np.empty((len(indices), 3, patch, patch), np.float32)
        ratios = np.empty((len(indices), 3), np.float32)
        for row, number in enumerate(scene):
            bracket = self.brackets[number]
            room = np.array(bracket.truth.shape[:2]) - patch
            if room.min() < 0:
                height, width = bracket.truth.shape[:2]
                raise InputError(
                    f"bracket {bracket.name!r} is {width}x{height}, "
                    f"smaller than a training patch of {patch}x{patch}",
                    hint="train with smaller patches: --set 'stages=[{patch=64, batch=8}]'",
                )
            top, left = np.floor(place[row] * (room + 1)).astype(np.int64)
            window = (slice(top, top + patch), slice(left, left + patch))
            pose = (int(quarters[row]), bool(flip[row]))
            ldr[row] = _posed(bracket.frames[:, *window], *pose)
            target[row] = _posed(bracket.truth[window][None], *pose)[0]
            ratios[row] = bracket.ratios
        ldr /= np.float32(65535)
        return Batch(*map(torch.from_numpy, (ldr, ratios, target))).to(self.device)


def _posed(pictures: NDArray[np.generic], quarters: int, flip: bool) -> NDArray[np.generic]:
    """(F, h, w, 3) → (F, 3, h, w), turned and mirrored."""
    turned = np.rot90(pictures, quarters, axes=(1, 2))
    if flip:
        turned = turned[:, :, ::-1]
    return np.moveaxis(turned, 3, 1)
