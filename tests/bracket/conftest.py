from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ahdr_cli import Bracket
from ahdr_cli.images import Exposure, Frame
from ahdr_cli.radiometry.response import ResponseCurve

FrameMaker = Callable[..., Frame]
Photographer = Callable[..., Bracket]


@pytest.fixture(scope="session")
def make_frame() -> FrameMaker:
    """A small frame of one grey, by EV or by its own exposure."""

    def make(
        ev: float | None = None,
        *,
        exposure: Exposure | None = None,
        name: str | None = None,
        size: tuple[int, int] = (4, 6),
        grey: float = 0.5,
    ) -> Frame:
        if ev is not None:
            exposure = Exposure.from_ev(ev)
        pixels = np.full((*size, 3), grey, dtype=np.float32)
        return Frame(pixels, exposure=exposure, path=None if name is None else Path(name))

    return make


@pytest.fixture(scope="session")
def photograph() -> Photographer:
    """A bracket of a scene of ten stops, frames `stops` apart, by a camera of any curve.

    The camera may shake (pixels between frames), add noise (σ in encoded units), let somebody
    pass, give other exposures than it says (`ratios`) or another white balance to the middle frame.
    """

    def make(
        curve: ResponseCurve,
        *,
        stops: float = 2.0,
        ratios: tuple[float, float, float] | None = None,
        shake: int = 0,
        noise: float = 0.0,
        passer_by: bool = False,
        tint: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> Bracket:
        rng = np.random.default_rng(5)
        cells = rng.uniform(-9.0, 1.0, (16, 20, 3)) + rng.uniform(-1.0, 1.0, (16, 20, 1))
        scene = 2.0 ** np.kron(cells, np.ones((8, 8, 1)))
        frames = []
        for index, ratio in enumerate(ratios or 2.0 ** (stops * np.arange(3))):
            top, left = 8 + shake * (index - 1), 8 - shake * (index - 1)
            seen = scene[top : top + 96, left : left + 128].copy()
            if passer_by:
                seen[40:70, 30 * index : 30 * index + 20] = 0.02
            if index == 1:
                seen *= tint
            values = curve.encode(seen * ratio)
            values += noise * rng.standard_normal(values.shape)
            values = np.round(values.clip(0.0, 1.0) * 255) / 255
            exposure = Exposure.from_ev(stops * index)
            frames.append(Frame(values.astype(np.float32), exposure=exposure))
        return Bracket.from_frames(frames)

    return make
