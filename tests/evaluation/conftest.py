from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ahdr_cli.bracket import Bracket
from ahdr_cli.images import Exposure, FloatArray, Frame

RATIOS = (1.0, 4.0, 16.0)


def scene(size: tuple[int, int] = (96, 128), seed: int = 0) -> FloatArray:
    """Textured radiance in units of the shortest frame's white, from deep shade to white."""
    rng = np.random.default_rng(seed)
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float64)
    stops = -9.0 * (1 - x / width) + 1.2 * np.sin(y / 9.0) * np.cos(x / 7.0)
    for _ in range(25):
        cy, cx, r = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(4, 14)
        stops += rng.uniform(-1.5, 1.5) * ((y - cy) ** 2 + (x - cx) ** 2 < r * r)
    colour = np.array([1.0, 0.85, 0.7])
    return np.clip(2.0 ** stops[..., None] * colour, 0, 1).astype(np.float32)


def expose(radiance: FloatArray, ratio: float, *, bits: int = 8) -> Frame:
    steps = 2**bits - 1
    encoded = np.clip(radiance * ratio, 0, 1) ** (1 / 2.2)
    return Frame(
        pixels=(np.round(encoded * steps) / steps).astype(np.float32),
        exposure=Exposure(seconds=ratio / 100),
    )


def with_disc(
    radiance: FloatArray, *, centre: tuple[int, int], radius: int = 12, value: float = 0.05
) -> FloatArray:
    """An object that covers the scene."""
    y, x = np.mgrid[: radiance.shape[0], : radiance.shape[1]]
    disc = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
    return np.where(disc[..., None], np.float32(value), radiance)


@pytest.fixture
def radiance() -> FloatArray:
    return scene()


@pytest.fixture
def static_bracket(radiance: FloatArray) -> Bracket:
    return Bracket.from_frames([expose(radiance, ratio) for ratio in RATIOS])


@pytest.fixture
def make_static() -> Callable[..., tuple[Bracket, FloatArray]]:
    def make(size: tuple[int, int], *, seed: int = 0, bits: int = 8):
        truth = scene(size, seed)
        return Bracket.from_frames([expose(truth, ratio, bits=bits) for ratio in RATIOS]), truth

    return make


@pytest.fixture
def moving() -> tuple[Bracket, FloatArray]:
    """A disc that passes through the middle of the picture, and the truth."""
    still = scene()
    frames = [with_disc(still, centre=(48, column)) for column in (40, 64, 88)]
    bracket = Bracket.from_frames(
        [expose(frame, ratio) for frame, ratio in zip(frames, RATIOS, strict=True)]
    )
    return bracket, frames[1]


@pytest.fixture
def write_kalantari(tmp_path) -> Callable[..., object]:
    """Write a scene folder of Kalantari's layout with 16-bit frames."""
    import tifffile

    def write(folder, bracket: Bracket, truth: FloatArray | None, *, labels: str | None = None):
        from ahdr_cli.images import HdrImage
        from ahdr_cli.io import write_hdr

        folder.mkdir(parents=True)
        for number, frame in enumerate(bracket.frames):
            tifffile.imwrite(
                folder / f"{number}.tif", np.round(frame.pixels * 65535).astype(np.uint16)
            )
        stops = np.log2(bracket.ratios)
        (folder / "exposure.txt").write_text("".join(f"{stop:g}\n" for stop in stops))
        if truth is not None:
            write_hdr(folder / "HDRImg.hdr", HdrImage(pixels=truth))
        if labels is not None:
            (folder / "scene.json").write_text(labels)
        return folder

    return write
