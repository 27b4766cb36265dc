"""Made-up scenes: smooth light, hard borders, fine texture and a lamp."""

from collections.abc import Callable

import numpy as np
import pytest

from ahdr_cli.training.scenes import Scene, SceneStore


def _scene(number: int, height: int, width: int) -> Scene:
    random = np.random.default_rng(number)
    y, x = np.mgrid[:height, :width] / 16.0
    tone = np.sin(0.31 * x + number) + np.cos(0.23 * y * (1 + number % 3))
    tone += 0.5 * np.sin(2.1 * x) * np.sin(1.7 * y)
    for _ in range(12):  # blocks with hard borders, some much brighter
        top, left = random.integers(0, height - 20), random.integers(0, width - 20)
        tall, wide = random.integers(10, 60, 2)
        tone[top : top + tall, left : left + wide] += random.uniform(-2.0, 4.0)
    colour = 1.0 + 0.3 * np.stack([np.sin(0.1 * x), np.cos(0.13 * y), np.sin(0.07 * (x + y))], -1)
    return Scene(f"scene-{number}", (0.18 * np.exp2(tone)[..., None] * colour).astype(np.float32))


@pytest.fixture(scope="session")
def scenes() -> list[Scene]:
    return [_scene(number, 200 + 10 * number, 330 - 17 * number) for number in range(5)]


@pytest.fixture(scope="session")
def store(scenes: list[Scene]) -> SceneStore:
    return SceneStore(scenes)


@pytest.fixture(scope="session")
def plain_store() -> Callable[[float], SceneStore]:
    """A store of evenly grey scenes of the given radiance."""

    def make(radiance: float) -> SceneStore:
        pixels = np.full((120, 160, 3), radiance, np.float32)
        return SceneStore([Scene("grey", pixels), Scene("grey too", pixels)])

    return make
