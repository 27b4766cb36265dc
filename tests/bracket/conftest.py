from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ahdr_cli.images import Exposure, Frame

FrameMaker = Callable[..., Frame]


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
