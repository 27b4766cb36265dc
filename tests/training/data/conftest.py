"""Small folders of every kind of source, made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ahdr_cli.images import HdrImage
from ahdr_cli.io import write_hdr
from ahdr_cli.training.packing import pack_sources
from ahdr_cli.training.synthetic_set import write_synthetic_set

SIZE = (150, 220)


def radiance(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Smooth light over some eight stops, hard-edged blocks and a lamp."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[: size[0], : size[1]] / 16.0
    stops = (
        1.5 * np.sin(0.4 * x + number) + np.cos(0.5 * y) + 0.4 * np.sin(3.0 * x) * np.sin(2.6 * y)
    )
    for _ in range(14):
        top, left = random.integers(0, size[0] - 10), random.integers(0, size[1] - 10)
        tall, wide = random.integers(8, 50, 2)
        stops[top : top + tall, left : left + wide] += random.uniform(-3.0, 3.0)
    tint = 1.0 + 0.3 * np.stack([np.sin(0.2 * x), np.cos(0.3 * y), np.sin(0.1 * (x + y))], -1)
    return (37.0 * np.exp2(stops)[..., None] * tint).astype(np.float32)


@pytest.fixture(scope="session")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four radiance maps, .exr and .hdr, one in a folder below."""
    folder = tmp_path_factory.mktemp("maps")
    (folder / "below").mkdir()
    names = ("a.exr", "b.exr", "c.hdr", "below/d.exr")
    for number, name in enumerate(names):
        write_hdr(folder / name, HdrImage(radiance(number)))
    (folder / "SOURCES.tsv").write_text("not an image")
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photographs, a PNG and a JPEG."""
    folder = tmp_path_factory.mktemp("photos")
    for number, name in enumerate(("one.png", "two.jpg")):
        encoded = np.clip(radiance(number + 7) / 80.0, 0, 1) ** (1 / 2.2)
        Image.fromarray(np.round(255 * encoded).astype(np.uint8)).save(folder / name)
    return folder


@pytest.fixture(scope="session")
def shards(maps: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Maps and photographs with weights 3 to 1, in several shards."""
    folder = tmp_path_factory.mktemp("packed") / "set"
    report = pack_sources([f"hdr:{maps}=3", f"photo:{photos}"], folder, shard_bytes=150_000)
    assert len(report.shards) > 1
    return folder


@pytest.fixture(scope="session")
def synthetic(maps: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight scenes of Kalantari's layout."""
    folder = tmp_path_factory.mktemp("synthetic") / "set"
    write_synthetic_set([f"hdr:{maps}"], folder, scenes=8, seed=4, size=(96, 128))
    return folder


@pytest.fixture
def copy_of_set(synthetic: Path, tmp_path: Path) -> Path:
    """A copy of the synthetic set, to be damaged."""
    return Path(shutil.copytree(synthetic, tmp_path / "set"))
