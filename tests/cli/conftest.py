"""A tiny bracket on disk, training data, and a way to run commands in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import piexif
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from ahdr_cli.cli.console import stderr, stdout
from ahdr_cli.images import HdrImage
from ahdr_cli.io import write_hdr

SECONDS = ((1, 400), (1, 100), (1, 25))


@pytest.fixture
def scene() -> np.ndarray:
    """Linear radiance, (40, 56, 3), whose brightest part only the short frame resolves."""
    y, x = np.mgrid[0:40, 0:56]
    ramp = 0.02 + 3.5 * (x / 55.0) ** 3
    return np.stack((ramp, ramp * (0.7 + 0.2 * np.sin(y / 5)), ramp * 0.6), axis=-1)


@pytest.fixture
def bracket(tmp_path: Path, scene: np.ndarray) -> list[Path]:
    """low.jpg, mid.jpg, high.jpg, 2 EV apart, exposures in EXIF."""
    return photograph(scene, tmp_path)


@pytest.fixture
def large_bracket(tmp_path: Path) -> list[Path]:
    """The same of a scene with enough texture to align by, (200, 240, 3)."""
    y, x = np.mgrid[0:200, 0:240]
    generator = np.random.default_rng(3)
    stops = np.full(x.shape, -3.0)
    for cx, cy, width, height in generator.uniform((0, 0, 3, -2), (240, 200, 14, 2.5), (70, 4)):
        stops += height * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * width**2))
    return photograph(np.repeat(2.0 ** stops[..., None], 3, axis=2), tmp_path)


def photograph(scene: np.ndarray, folder: Path) -> list[Path]:
    paths = []
    for name, seconds in zip(("low", "mid", "high"), SECONDS, strict=True):
        exposure = seconds[0] / seconds[1] * 100
        encoded = np.clip(scene * exposure, 0, 1) ** (1 / 2.2)
        path = folder / f"{name}.jpg"
        exif = piexif.dump({"Exif": {piexif.ExifIFD.ExposureTime: seconds}})
        Image.fromarray(np.round(encoded * 255).astype(np.uint8)).save(
            path, quality=97, subsampling=0, exif=exif
        )
        paths.append(path)
    return paths


@pytest.fixture(scope="session")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two radiance maps, to train on."""
    folder = tmp_path_factory.mktemp("maps")
    y, x = np.mgrid[:100, :140] / 9.0
    for number in range(2):
        stops = 3.0 * np.sin(x + number) * np.cos(0.7 * y) + np.sin(5 * x)
        write_hdr(folder / f"{number}.exr", HdrImage(np.exp2(np.dstack([stops] * 3)).astype("f4")))
    return folder


@pytest.fixture
def ahdr() -> Iterator[Callable[..., Result]]:
    """Run `ahdr ARG …` in this process; stdout and stderr are kept apart."""
    from ahdr_cli.cli.app import app

    def run(*arguments: object) -> Result:
        forget_consoles()
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    yield run
    forget_consoles()


def forget_consoles() -> None:
    """A process has one terminal; tests in one process have several, of different widths."""
    stdout.cache_clear()
    stderr.cache_clear()
