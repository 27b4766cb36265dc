"""What frames shorter than the three that are merged bring back, against the scene's true light.

    python benchmarks/highlights.py MAP.exr... --model fast

Radiance maps whose geometric mean is 0.18 are photographed in five and in seven steps of 2 EV
around a reference whose white is 1, in four ways: from a tripod; by hand, with a part of another
map moving across the brightest place and shutters off by 0.05 EV (deviation); the same as a camera
with a toe and a shoulder records it, in JPEG with subsampled chroma; and with four times as much
noise. Maps in which less than 0.1 % is brighter than the shortest of the three can show are left
out.

Every set is merged from three frames as before, with its highlights extended, and from three
frames as far apart as the set goes. Printed are means over the scenes: PSNR of light and after the
μ-law, in units of the white of the set's shortest frame; the mean and the median error of light in
stops where the light is beyond the three; and what of those places became worse by more than a
tenth of a stop.
"""

from __future__ import annotations

import argparse
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ahdr_cli import Exposure, Frame, MergeOptions, Merger, Selection, read_hdr
from ahdr_cli.bracket import Bracket
from ahdr_cli.images import FloatArray
from ahdr_cli.metrics.psnr import psnr, psnr_mu
from ahdr_cli.radiometry.response import ResponseCurve

STEP_EV = 2.0
LEAST_BEYOND = 0.001
SHOT, READ = 1e-4, 1e-6  # variance of light in units of a frame's white, as `ahdr eval` has it
SHIFT, DEGREES = 4.0, 0.1  # the camera's, at most
SHUTTER_EV = 0.05
CAMERA = ResponseCurve(gamma=0.75, linear=1.2, square=0.8)
"""About the mean of the curves that were found in eight real brackets."""


@dataclass(frozen=True)
class Way:
    """How a scene is photographed."""

    moving: bool = False
    camera: bool = False
    noise: float = 1.0


WAYS = {
    "tripod": Way(),
    "by hand and moving": Way(moving=True),
    "camera's JPEG": Way(moving=True, camera=True),
    "noisy": Way(moving=True, noise=16.0),
}


@dataclass
class Scores:
    """Of one way to merge: a row of numbers a scene."""

    rows: list[tuple[float, ...]] = field(default_factory=list)

    def line(self) -> str:
        """Means over the scenes."""
        return "{:.2f} | {:.2f} | {:.2f} | {:.2f} | {:.1%}".format(*np.mean(self.rows, axis=0))


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("maps", nargs="+", type=Path)
    parser.add_argument("--model", default="fast", help="registered name or path")
    parser.add_argument("--frames", default="5,7", help="how many are taken")
    parser.add_argument("--ways", default=",".join(WAYS))
    arguments = parser.parse_args()
    mergers = {
        camera: Merger.open(
            arguments.model,
            options=MergeOptions(device="cpu", response="linear" if camera else "auto"),
        )
        for camera in (False, True)
    }
    print("| frames | taken | merged | PSNR-L | PSNR-μ | beyond: mean (EV) | median (EV) | worse |")
    print("|---:|---|---|---:|---:|---:|---:|---:|")
    for count in map(int, arguments.frames.split(",")):
        for name in arguments.ways.split(","):
            way = WAYS[name]
            scores = _measure(arguments.maps, way, mergers[way.camera], count=count)
            for merged, score in scores.items():
                print(f"| {count} | {name} ({len(score.rows)}) | {merged} | {score.line()} |")


def _measure(maps: list[Path], way: Way, merger: Merger, *, count: int) -> dict[str, Scores]:
    scores = {name: Scores() for name in ("three", "extended", "three, wide")}
    half = STEP_EV * (count // 2)
    ceiling, top = 2.0**STEP_EV, 2.0**half
    for frames, light in _scenes(maps, way, half=half):
        truth = np.minimum(light, np.float32(top))
        beyond = truth.max(axis=2) > ceiling
        selection = Selection.of(frames)
        assert abs(selection.bracket.ratios[1] - ceiling) < 0.01, "others were chosen"
        prepared = merger.prepare(selection.bracket, shorter=selection.shorter)
        wide = Bracket.from_frames([frames[0], selection.bracket.reference, frames[-1]])
        three = merger(selection.bracket).pixels
        errors = np.abs(_stops(three) - _stops(truth))
        results = (three, merger.merge(prepared).pixels, merger(wide).pixels)
        for (name, score), result in zip(scores.items(), results, strict=True):
            if name == "extended":
                assert (result >= three).all(), "lowered"
            shown = np.minimum(result, np.float32(top))
            stops = np.abs(_stops(shown) - _stops(truth))
            score.rows.append(
                (
                    psnr(shown / top, truth / top),
                    psnr_mu(shown / top, truth / top),
                    float(stops[beyond].mean()),
                    float(np.median(stops[beyond])),
                    float((stops > errors + 0.1)[beyond].mean()),
                )
            )
    return scores


def _stops(light: FloatArray) -> FloatArray:
    stops: FloatArray = np.log2(np.maximum(light.max(axis=2), 1e-6))
    return stops


def _scenes(maps: list[Path], way: Way, *, half: float) -> Iterator[tuple[list[Frame], FloatArray]]:
    """The frames of every map, shortest first, and the light that the reference is to show."""
    for index, path in enumerate(maps):
        light = np.maximum(read_hdr(path).pixels, 0).astype(np.float32)
        if (light.max(axis=2) > 2.0**STEP_EV).mean() < LEAST_BEYOND:
            continue
        other = np.maximum(read_hdr(maps[index - 1]).pixels, 0).astype(np.float32)
        generator = np.random.default_rng(zlib.crc32(path.stem.encode()))
        evs = np.arange(-half, half + 1, STEP_EV)
        frames = []
        truth = light
        place, stride = _path(light, generator)
        for position, ev in enumerate(evs):
            seen, real = light, ev
            if way.moving:
                offset = position - len(evs) // 2 + 1
                seen = _with_thing(light, other, centre=place + offset * stride)
                if ev == 0:
                    truth = seen
                else:
                    seen = _shaken(seen, generator)
                    real = ev + generator.normal() * SHUTTER_EV
            frames.append(_shot(seen, ev, real, way, generator))
        yield frames, truth


def _path(light: FloatArray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The brightest place (x, y), which the thing crosses, and its motion from frame to frame."""
    brightest = cv2.GaussianBlur(np.minimum(light.max(axis=2), 64), (0, 0), 8)
    y, x = np.unravel_index(int(brightest.argmax()), brightest.shape)
    angle = generator.uniform(0, 2 * np.pi)
    return np.array([x, y], float), 24.0 * np.array([np.cos(angle), np.sin(angle)])


def _with_thing(light: FloatArray, other: FloatArray, *, centre: np.ndarray) -> FloatArray:
    """The scene with a dark disc of another one, 40 pixels wide with a soft edge."""
    height, width = light.shape[:2]
    y, x = np.mgrid[:height, :width]
    alpha = np.clip(20.5 - np.hypot(x - centre[0], y - centre[1]), 0, 1).astype(np.float32)[
        ..., None
    ]
    texture = cv2.resize(np.minimum(other, 0.5), (width, height), interpolation=cv2.INTER_AREA)
    return light * (1 - alpha) + texture * alpha


def _shaken(light: FloatArray, generator: np.random.Generator) -> FloatArray:
    height, width = light.shape[:2]
    degrees = generator.uniform(-DEGREES, DEGREES)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    matrix[:, 2] += generator.uniform(-SHIFT, SHIFT, 2)
    # Linear, because bicubic weights are negative beside a lamp.
    shaken: FloatArray = cv2.warpAffine(
        light, matrix, (width, height), borderMode=cv2.BORDER_REFLECT
    )
    return shaken


def _shot(
    light: FloatArray, ev: float, real: float, way: Way, generator: np.random.Generator
) -> Frame:
    """A frame that says that it was exposed by `ev`, and was by `real`."""
    exposed = np.minimum(light * np.float32(2.0**real), np.float32(4))
    deviation = np.sqrt(way.noise * (SHOT * exposed + READ))
    noisy = np.clip(exposed + generator.standard_normal(exposed.shape) * deviation, 0, 1)
    encoded = CAMERA.encode(noisy) if way.camera else noisy ** (1 / 2.2)
    levels = np.rint(encoded * 255).astype(np.uint8)
    if way.camera:
        file = io.BytesIO()
        Image.fromarray(levels).save(file, "JPEG", quality=92)
        levels = np.asarray(Image.open(file))
    return Frame((levels / 255).astype(np.float32), Exposure.from_ev(ev))


if __name__ == "__main__":
    main()
