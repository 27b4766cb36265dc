"""What bounds the scores on a synthetic set: the same scenes without noise, curve or coding.

    python benchmarks/error_budget.py --maps hdr:MAPS/val --model fast --model ahdrnet

The scenes are those of `ahdr data synth` with the same maps, number and size. Of each, the light
that falls into the camera stays as it is, and one by one the camera's imperfections are taken
away. Which pixels count as well exposed is decided on the scenes as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ahdr_cli import Bracket, Exposure, Frame, Merger
from ahdr_cli.evaluation.causes import CauseShare, cause_map, split_error
from ahdr_cli.images import FloatArray
from ahdr_cli.merging import MergeOptions
from ahdr_cli.training.batch import Batch
from ahdr_cli.training.plan import BatchPlan
from ahdr_cli.training.recipe import KINDS, Recipe
from ahdr_cli.training.sources import open_engine
from ahdr_cli.training.synthesis import SynthesisEngine

REFERENCE = "reference frame"


def _no_noise(plan: BatchPlan) -> BatchPlan:
    return replace(plan, shot_noise=plan.shot_noise * 0, read_noise=plan.read_noise * 0)


def _no_curve(plan: BatchPlan) -> BatchPlan:
    return replace(plan, response=plan.response * 0)


def _no_coding(plan: BatchPlan) -> BatchPlan:
    return replace(plan, coding=plan.coding * 0)


CAMERAS: dict[str, Callable[[BatchPlan], BatchPlan]] = {
    "as it is": lambda plan: plan,
    "without noise": _no_noise,
    "with exactly γ 2.2": _no_curve,
    "16 bit instead of 8 bit and JPEG": _no_coding,
    "none of the three": lambda plan: _no_noise(_no_curve(_no_coding(plan))),
}


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", action="append", required=True, help="hdr:DIR or packed:DIR")
    parser.add_argument("--model", action="append", default=[], help="registered name or path")
    parser.add_argument("-n", type=int, default=16, help="number of scenes")
    parser.add_argument("--size", default="384x288", help="WIDTHxHEIGHT")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))

    options = MergeOptions(device="cpu", align="off")
    methods: dict[str, Callable[[Bracket], FloatArray]] = {
        name: _linear(Merger.open(name, options=options)) for name in arguments.model
    }
    methods[REFERENCE] = _reference
    errors: dict[tuple[str, str], list[CauseShare]] = {}
    scenes: dict[tuple[str, str], list[float]] = {}
    for kind, shots in _scenes(arguments.maps, count=arguments.n, size=(height, width)):
        plain, truth = shots["as it is"], shots["as it is"].target[0].permute(1, 2, 0).numpy()
        causes = cause_map(_bracket(plain), truth, labels={"kind": kind})
        for camera, sample in shots.items():
            for name, merge in methods.items():
                split = split_error(merge(_bracket(sample)), truth, causes)
                errors.setdefault((camera, name), []).append(split["well exposed"])
                whole = sum(split.values(), start=CauseShare(pixels=0, squared_error=0.0))
                scenes.setdefault((camera, name), []).append(whole.psnr or np.inf)

    print(f"| camera | {' | '.join(methods)} |\n|---{'|---:' * len(methods)}|")
    for camera in CAMERAS:
        cells = []
        for name in methods:
            well = sum(errors[camera, name], start=CauseShare(pixels=0, squared_error=0.0))
            cells.append(f"{np.mean(scenes[camera, name]):.1f} · {well.psnr:.1f}")
        print(f"| {camera} | {' | '.join(cells)} |")


def _scenes(
    maps: list[str], *, count: int, size: tuple[int, int]
) -> Iterator[tuple[str, dict[str, Batch]]]:
    """Each scene's kind of motion (they take turns as in `ahdr data synth`) and its brackets."""
    engine = open_engine(maps, seed=0, recipe=Recipe(), device="cpu")
    assert isinstance(engine, SynthesisEngine), "radiance maps are wanted"
    for index in range(count):
        kinds = [float(kind == index % len(KINDS)) for kind in range(len(KINDS))]
        recipe = Recipe(kinds=(kinds[0], kinds[1], kinds[2], kinds[3]))
        only = SynthesisEngine(engine.store, seed=0, recipe=recipe)
        plan = only.plan([index], size=size)
        rendering = only.render(plan)
        shots = {name: only.capture(change(plan), rendering) for name, change in CAMERAS.items()}
        yield KINDS[index % len(KINDS)], shots


def _bracket(sample: Batch) -> Bracket:
    pixels = sample.ldr[0].permute(0, 2, 3, 1).contiguous().numpy()
    stops = np.log2(sample.ratios[0].numpy())
    return Bracket.from_frames(
        [
            Frame(frame, exposure=Exposure.from_ev(float(stop)))
            for frame, stop in zip(pixels, stops, strict=True)
        ]
    )


def _linear(merger: Merger) -> Callable[[Bracket], FloatArray]:
    """Merges in units of the shortest frame's white, clipped there."""

    def merge(bracket: Bracket) -> FloatArray:
        radiance = merger(bracket).pixels / np.float32(bracket.ratios[1])
        return np.clip(radiance, np.float32(0), np.float32(1))

    return merge


def _reference(bracket: Bracket) -> FloatArray:
    light: FloatArray = bracket.reference.pixels ** np.float32(2.2) / np.float32(bracket.ratios[1])
    return light


if __name__ == "__main__":
    main()
