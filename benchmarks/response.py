"""What a camera's curve costs a merge that assumes γ 2.2, and what `--response` gets back.

    python benchmarks/response.py --data synth:synth --model fast

The frames of a synthetic set are recorded anew, in 8 bits, by a camera with a toe and a shoulder,
and merged with every `--response`. PSNR-μ is taken against two truths: the scene's light, and its
look in the reference frame, which is what that frame tells with γ 2.2 up to its white, and light in
proportion beyond. `auto` is to give the look, `linear` the light.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from ahdr_cli import Bracket, Merger
from ahdr_cli.bracket.preparation import RESPONSES
from ahdr_cli.evaluation.datasets import open_dataset
from ahdr_cli.images import FloatArray
from ahdr_cli.merging import MergeOptions
from ahdr_cli.metrics.psnr import psnr_mu
from ahdr_cli.radiometry.response import ResponseCurve
from ahdr_cli.radiometry.transfer import gamma_decode

CAMERA = ResponseCurve(gamma=0.75, linear=1.2, square=0.8)
"""About the mean of the curves that were found in eight real brackets."""


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="KIND:DIR as for `ahdr eval`, with truth")
    parser.add_argument("--model", default="fast", help="registered name or path")
    arguments = parser.parse_args()
    mergers = {
        response: Merger.open(
            arguments.model, options=MergeOptions(device="cpu", align="off", response=response)
        )
        for response in RESPONSES
    }
    scores: dict[str, list[tuple[float, float]]] = {response: [] for response in RESPONSES}
    found = 0
    for scene in open_dataset(arguments.data):
        assert scene.truth is not None, "a set with truth is wanted"
        bracket, light = _recorded(scene.bracket), scene.truth
        look = _look(light, white=float(bracket.ratios[1]))
        for response, merger in mergers.items():
            prepared = merger.prepare(bracket)
            radiance = merger.merge(prepared).pixels
            radiance = np.clip(radiance / np.float32(bracket.ratios[1]), 0, 1, dtype=np.float32)
            scores[response].append((psnr_mu(radiance, light), psnr_mu(radiance, look)))
            found += response == "auto" and prepared.match is not None
    print(f"{len(scores['auto'])} scenes; auto matched {found} of them\n")
    print("| `--response` | against the light (dB) | against the look (dB) |\n|---|---:|---:|")
    for response, values in scores.items():
        print("| {} | {:.1f} | {:.1f} |".format(response, *np.mean(values, axis=0)))


def _recorded(bracket: Bracket) -> Bracket:
    short, reference, long = (
        replace(frame, pixels=_record(gamma_decode(frame.pixels.astype(np.float64))))
        for frame in bracket.frames
    )
    return replace(bracket, frames=(short, reference, long))


def _record(light: np.ndarray) -> FloatArray:
    return (np.round(CAMERA.encode(light) * 255) / 255).astype(np.float32)


def _look(light: FloatArray, *, white: float) -> FloatArray:
    """The scene as the reference frame shows it, in units of the shortest frame's white."""
    in_reference = light.astype(np.float64) * white
    shown = np.where(in_reference < 1, gamma_decode(CAMERA.encode(in_reference)), in_reference)
    return (shown / white).astype(np.float32)


if __name__ == "__main__":
    main()
