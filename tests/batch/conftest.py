"""Photographs on disk with EXIF, tiny weights, and options that fit them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np
import piexif
import pytest
from PIL import Image

from ahdr_cli.batch import BatchOptions
from ahdr_cli.merging import MergeOptions

START = datetime(2024, 5, 1, 12, 0, 0)
Photographer = Callable[..., list[Path]]


def radiance(seed: int, size: tuple[int, int] = (24, 32)) -> np.ndarray:
    """(H, W, 3) linear, smooth, with a bright part; different for each seed."""
    height, width = size
    y, x = np.mgrid[0:height, 0:width]
    ramp = 0.02 + 3.0 * (x / (width - 1)) ** 3 + 0.1 * np.sin(y / 3 + seed)
    return np.stack((ramp, ramp * (0.6 + 0.05 * (seed % 7)), ramp * 0.5), axis=-1)


@pytest.fixture(scope="session")
def photograph() -> Photographer:
    """Take one bracket: JPEGs with EXIF, as a camera would."""

    def take(
        folder: Path,
        *,
        first: int = 1,
        seconds: tuple[Fraction, ...] = (Fraction(1, 400), Fraction(1, 100), Fraction(1, 25)),
        scene: np.ndarray | None = None,
        gain: float = 100.0,
        when: timedelta = timedelta(),
        iso: int | None = 100,
        f_number: float | None = 8.0,
    ) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        moment = START + when
        light = radiance(first) if scene is None else scene
        paths = []
        for i, time in enumerate(seconds):
            encoded = np.clip(light * float(time) * gain, 0, 1) ** (1 / 2.2)
            tags = {
                piexif.ExifIFD.ExposureTime: (time.numerator, time.denominator),
                piexif.ExifIFD.DateTimeOriginal: moment.strftime("%Y:%m:%d %H:%M:%S"),
                piexif.ExifIFD.SubSecTimeOriginal: f"{moment.microsecond:06d}",
            }
            if iso is not None:
                tags[piexif.ExifIFD.ISOSpeedRatings] = iso
            if f_number is not None:
                tags[piexif.ExifIFD.FNumber] = (round(f_number * 10), 10)
            exif = piexif.dump({"0th": {piexif.ImageIFD.Model: "One"}, "Exif": tags})
            path = folder / f"IMG_{first + i:04d}.jpg"
            Image.fromarray(np.round(encoded * 255).astype(np.uint8)).save(
                path, quality=97, subsampling=0, exif=exif
            )
            paths.append(path)
            moment += timedelta(seconds=float(time) + 0.2)
        return paths

    return take


@pytest.fixture
def card(tmp_path: Path, photograph: Photographer) -> Path:
    """Three brackets of three, a minute apart."""
    folder = tmp_path / "card"
    for i in range(3):
        photograph(folder, first=3 * i + 1, when=timedelta(minutes=i))
    return folder


@pytest.fixture
def options(tiny_model: Path) -> BatchOptions:
    """The tiny model on the processor, by torch: nothing is measured or compiled."""
    return BatchOptions(
        model=str(tiny_model), merge=MergeOptions(device="cpu", runtime="torch", tile=256)
    )
