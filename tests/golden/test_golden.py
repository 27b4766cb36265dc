"""Pictures that must not change unnoticed: the example bracket, merged and tonemapped.

They belong to the weights that ship: whoever replaces those runs
`python tests/golden/test_golden.py`, which writes the pictures anew, and looks at them.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from ahdr_cli import Bracket, HdrImage, MergeOptions, Merger, read_frame
from ahdr_cli.images import Frame
from ahdr_cli.radiometry.tonemap import OPERATORS, to_uint8, tonemap

HERE = Path(__file__).parent
MODELS = ("ahdrnet", "fast")
WINDOW = np.s_[100:260, 180:460]  # where the car drives, across clipped windows
SMALLER = 2

# One step of 8 bits for rounding that differs between machines, in a few pixels two.
LARGEST_STEP, USUAL_STEP = 2, 1


def stored(model: str) -> Path:
    return HERE / f"example-{model}.npz"


def merged(model: str, *, runtime: str) -> HdrImage:
    examples = HERE.parents[1] / "examples"
    frames = [read_frame(examples / f"{name}.jpg") for name in ("low", "mid", "high")]
    window = [
        Frame(np.ascontiguousarray(frame.pixels[WINDOW][::SMALLER, ::SMALLER]), frame.exposure)
        for frame in frames
    ]
    options = MergeOptions(device="cpu", runtime=runtime, tile=64, align="off")
    return Merger.open(model, options=options)(Bracket.from_frames(window))


def pictures(image: HdrImage) -> dict[str, np.ndarray]:
    return {
        name: to_uint8(tonemap(image.pixels, name, white=None if name == "linear" else 4.0))
        for name in OPERATORS
    }


@pytest.mark.parametrize(
    ("model", "runtime"),
    [*itertools.product(MODELS, ("torch", "onnxruntime")), ("ahdrnet", "winograd")],
)
def test_the_example_looks_as_it_did(model, runtime):
    found = pictures(merged(model, runtime=runtime))
    with np.load(stored(model)) as known:
        assert set(known) == set(found)
        for name, expected in known.items():
            difference = np.abs(found[name].astype(int) - expected.astype(int))
            assert difference.max() <= LARGEST_STEP, name
            assert np.mean(difference > USUAL_STEP) < 1e-3, name


if __name__ == "__main__":
    for model in MODELS:
        np.savez_compressed(stored(model), **pictures(merged(model, runtime="torch")))
