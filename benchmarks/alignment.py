"""How well, and in how much time, known motions of a camera are found.

    python benchmarks/alignment.py PHOTOGRAPH... --megapixels 1.5

Of each photograph three exposures are made, 2 EV apart, with noise and 8 bits, the outer ones as
from a camera that has been turned and shifted: not at all, and by up to 8, 25 and 50 pixels, with
up to 0.35°. Printed are the errors at the farthest corner of both outer frames in pixels, and at
the end their median, 90th percentile and maximum, and processor seconds for a bracket.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from ahdr_cli import Bracket, Exposure, read_frame
from ahdr_cli.bracket.align import estimate_motions
from ahdr_cli.bracket.motion import RigidMotion
from ahdr_cli.images import FloatArray, Frame

EVS = (-2.0, 0.0, 2.0)
FARTHEST = (0, 8, 25, 50)
MOST_DEGREES = 0.35
SHOT, READ = 2e-4, 1e-6  # variance of noise: a part of the light, and what is always there


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", nargs="+", type=Path)
    parser.add_argument("--megapixels", type=float, default=1.5)
    arguments = parser.parse_args()
    generator = np.random.default_rng(5)
    errors, seconds = [], []
    for path in arguments.photographs:
        light = _light(path, arguments.megapixels)
        for farthest in FARTHEST:
            motions = [_motion(light, farthest, generator) for _ in range(2)]
            true = (motions[0], RigidMotion(), motions[1])
            bracket = Bracket.from_frames(
                [
                    Frame(_shot(light, ev, motion, generator), exposure=Exposure.from_ev(ev))
                    for ev, motion in zip(EVS, true, strict=True)
                ]
            )
            started = time.process_time()
            found = estimate_motions(bracket)
            seconds.append(time.process_time() - started)
            apart = [f.distance(m, bracket.size) for f, m in zip(found, motions, strict=True)]
            errors += apart
            print(f"{path.parent.name}/{path.name} {farthest:3} px", *(f"{e:.3f}" for e in apart))
    print(
        f"median {np.median(errors):.3f}, 90 % {np.quantile(errors, 0.9):.3f}, "
        f"largest {max(errors):.3f} px; {np.mean(seconds):.3f} processor seconds"
    )


def _light(path: Path, megapixels: float) -> FloatArray:
    pixels = read_frame(path, exposure=Exposure.from_ev(0)).pixels
    height, width = pixels.shape[:2]
    scale = (megapixels * 1e6 / (height * width)) ** 0.5
    size = (round(width * scale), round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    light: FloatArray = np.clip(cv2.resize(pixels, size, interpolation=how), 0, 1) ** 2.2
    return light


def _motion(light: FloatArray, farthest: float, generator: np.random.Generator) -> RigidMotion:
    height, width = light.shape[:2]
    radians = np.deg2rad(generator.uniform(-MOST_DEGREES, MOST_DEGREES)) if farthest else 0.0
    x, y = generator.uniform(-1, 1, 2) * farthest
    return RigidMotion.about(((width - 1) / 2, (height - 1) / 2), radians=radians, shift=(x, y))


def _shot(
    light: FloatArray, ev: float, motion: RigidMotion, generator: np.random.Generator
) -> FloatArray:
    size = light.shape[1::-1]
    seen = cv2.warpAffine(
        light, motion.matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    exposed = np.clip(seen * 2.0**ev, 0, None)
    noisy = exposed + generator.normal(size=exposed.shape) * np.sqrt(SHOT * exposed + READ)
    encoded: FloatArray = np.rint(np.clip(noisy, 0, 1) ** (1 / 2.2) * 255) / 255
    return encoded.astype(np.float32)


if __name__ == "__main__":
    main()
