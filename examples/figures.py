"""Makes the pictures of the README from the example bracket: `python examples/figures.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ahdr_cli import Bracket, Merger, read_frame
from ahdr_cli.evaluation.baselines import triangle
from ahdr_cli.radiometry.tonemap import mu_law, to_uint8

HERE = Path(__file__).parent
IMAGES = HERE.parent / "docs" / "images"
WIDTH = 480


def main() -> None:
    """Write the three pictures to docs/images."""
    IMAGES.mkdir(exist_ok=True)
    bracket = Bracket.from_frames([read_frame(HERE / f"{n}.jpg") for n in ("low", "mid", "high")])
    white = float(bracket.ratios[1])
    # Three thirds of a picture, one an exposure, stacked to the size of the others.
    frames = [to_uint8(frame.pixels) for frame in bracket.frames]
    third = bracket.size[0] // 3
    middle = slice(third - 10, 2 * third - 10)
    save("example-frames", np.concatenate([frame[middle] for frame in frames]))
    save("example-naive", to_uint8(mu_law(triangle(bracket), white=white)))
    save("example-ahdr", to_uint8(mu_law(Merger.open()(bracket).pixels, white=white)))


def save(name: str, pixels: np.ndarray) -> None:
    """A small JPEG."""
    height = round(WIDTH * pixels.shape[0] / pixels.shape[1])
    picture = Image.fromarray(pixels).resize((WIDTH, height), Image.Resampling.LANCZOS)
    picture.save(IMAGES / f"{name}.jpg", quality=88)


if __name__ == "__main__":
    main()
