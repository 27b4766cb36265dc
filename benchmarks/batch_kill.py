"""Kill `ahdr batch` at random moments, start it again, and compare with an undisturbed run.

    python benchmarks/batch_kill.py --sets 200 --kills 20 --scenes ../shared/data/hdri/val

Makes synthetic brackets (from HDR images if a folder is given, else of noise), every so often
with a damaged file or a stray picture among them, merges them once undisturbed and once killed
with SIGKILL, and exits with 0 only if both folders of results are equal file by file, nothing
is half written at any moment, and no temporary file is left. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

SECONDS = ((1, 800), (1, 200), (1, 50))
START = datetime(2024, 5, 1, 8, 0, 0)


def main() -> int:
    """Run the experiment; the exit status tells whether it went well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--height", type=int, default=128)
    parser.add_argument("--scenes", type=Path, help="folder of .hdr and .exr images")
    parser.add_argument("--model", help="name or path; default: tiny random weights")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        report = experiment(Path(name), arguments)
    print(json.dumps(report, indent=1))
    return 0 if report["equal"] and not report["complaints"] else 1


def experiment(folder: Path, arguments: argparse.Namespace) -> dict[str, object]:
    """Both runs; returns what was found."""
    chance = random.Random(arguments.seed)
    card = folder / "card"
    made = make_card(card, arguments, chance)
    model = arguments.model or str(tiny_model(folder / "tiny.safetensors"))

    calm, wild = folder / "calm", folder / "wild"
    started = time.perf_counter()
    status = finish(start(card, calm, model))
    calm_seconds = time.perf_counter() - started
    expected = results(calm)
    complaints = [] if status == made["expected_status"] else [f"undisturbed run exits {status}"]

    progress: list[int] = []
    for kill in range(1, arguments.kills + 1):
        done = len(results(wild))
        share = (len(expected) - done) / (arguments.kills - kill + 2)
        process = start(card, wild, model)
        reached = True
        if chance.random() < 0.25:
            time.sleep(chance.uniform(0, 3))  # while it starts and looks at what is there
        else:
            reached = wait_for(process, wild, done + round(chance.uniform(0, 2 * share)))
            time.sleep(chance.uniform(0, 0.1))
        if process.poll() is not None and not reached:
            complaints.append(f"run {kill} ended by itself with status {process.returncode}")
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = results(wild)
        progress.append(len(found))
        complaints += [
            f"after kill {kill}: {path} is not what it should be"
            for path, digest in found.items()
            if expected.get(path) != digest
        ]
    status = finish(start(card, wild, model))
    if status != made["expected_status"]:
        complaints.append(f"last run exits {status}")
    complaints += [f"left over: {path.name}" for path in wild.rglob(".ahdr*")]
    return {
        **made,
        "results": len(expected),
        "kills": arguments.kills,
        "done_after_each_kill": progress,
        "undisturbed_seconds": round(calm_seconds, 1),
        "equal": results(wild) == expected,
        "complaints": complaints,
    }


def start(card: Path, out: Path, model: str) -> subprocess.Popen[bytes]:
    """`ahdr batch` in a process of its own."""
    fixed = ["--device", "cpu", "--tile", "256", "--runtime", "torch", "--quiet"]
    command = [sys.executable, "-m", "ahdr_cli", "batch", card, "-o", out, "--model", model, *fixed]
    return subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)


def wait_for(process: subprocess.Popen[bytes], out: Path, count: int) -> bool:
    """Wait until there are so many results, or the process has ended; whether there are."""
    while len(list(out.glob("*.exr"))) < count:
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    return True


def finish(process: subprocess.Popen[bytes]) -> int:
    """Wait for its exit status."""
    return process.wait()


def results(out: Path) -> dict[str, str]:
    """SHA-256 of every result that is there."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*.exr"))
        if ".ahdr-work" not in path.parts
    }


def make_card(card: Path, arguments: argparse.Namespace, chance: random.Random) -> dict[str, int]:
    """Brackets with EXIF; every 20th set is damaged, every 15th is followed by a stray."""
    import piexif
    from PIL import Image

    card.mkdir()
    size = (arguments.height, arguments.width)
    number, moment, damaged, strays = 1, START, 0, 0

    def take(light: np.ndarray, seconds: tuple[int, int]) -> Path:
        nonlocal number, moment
        time_value = seconds[0] / seconds[1]
        encoded = np.clip(light * (time_value * 200), 0, 1) ** (1 / 2.2)
        tags = {
            piexif.ExifIFD.ExposureTime: seconds,
            piexif.ExifIFD.DateTimeOriginal: moment.strftime("%Y:%m:%d %H:%M:%S"),
            piexif.ExifIFD.SubSecTimeOriginal: f"{moment.microsecond:06d}",
        }
        path = card / f"IMG_{number:05d}.jpg"
        picture = Image.fromarray(np.round(encoded * 255).astype(np.uint8))
        picture.save(path, quality=95, exif=piexif.dump({"Exif": tags}))
        number += 1
        moment += timedelta(seconds=time_value + 0.2)
        return path

    lights = scenes(arguments.scenes, size, arguments.seed)
    for index in range(arguments.sets):
        light = next(lights)
        paths = [take(light, seconds) for seconds in SECONDS]
        if index % 20 == 7:
            victim = chance.choice(paths)
            victim.write_bytes(victim.read_bytes()[: -chance.randrange(100, 900)])
            damaged += 1
        if index % 15 == 3:
            moment += timedelta(seconds=chance.choice((0.2, 30)))
            take(light, SECONDS[1])
            strays += 1
        moment += timedelta(seconds=chance.choice((0.2, 3, 60)))
    return {
        "sets": arguments.sets,
        "damaged": damaged,
        "strays": strays,
        "expected_status": 8 if damaged else 0,
    }


def scenes(folder: Path | None, size: tuple[int, int], seed: int) -> Iterator[np.ndarray]:
    """Linear radiance (H, W, 3), mean 0.3 or so, without end."""
    height, width = size
    generator = np.random.default_rng(seed)
    maps = sorted(folder.glob("*.*")) if folder else []
    maps = [path for path in maps if path.suffix.lower() in {".hdr", ".exr"}]
    while True:
        for path in maps:
            from ahdr_cli.io import read_hdr

            pixels = np.maximum(read_hdr(path).pixels, 0)
            top = int(generator.integers(0, max(1, pixels.shape[0] - height)))
            left = int(generator.integers(0, max(1, pixels.shape[1] - width)))
            crop = pixels[top : top + height, left : left + width]
            yield 0.3 * crop / max(float(np.median(crop)), 1e-6)
        if not maps:
            coarse = generator.uniform(0.05, 1, (height // 16 + 1, width // 16 + 1, 3)) ** 3
            yield np.kron(coarse, np.ones((16, 16, 1)))[:height, :width]


def tiny_model(path: Path) -> Path:
    """Weights of a very small AHDRNet."""
    import torch

    from ahdr_cli import AHDRConfig, AHDRNet, save_checkpoint

    torch.manual_seed(7)
    config = AHDRConfig(features=4, growth=2, layers=2, num_blocks=1)
    save_checkpoint(path, config=config, state_dict=AHDRNet(config).state_dict(), provenance={})
    return path


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    sys.exit(main())
