"""Makes the pictures of the README and of docs/evaluation.md from the example bracket.

    python examples/figures.py

They show the shipped weights, so they are made anew whenever those change.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ahdr_cli import Bracket, Merger, load_checkpoint, read_frame
from ahdr_cli.evaluation.attention_pictures import OVERVIEW, attention_pictures
from ahdr_cli.evaluation.baselines import triangle
from ahdr_cli.inference.attention_maps import liveliest_channels, summarise_attention
from ahdr_cli.radiometry.tonemap import mu_law, to_uint8

HERE = Path(__file__).parent
IMAGES = HERE.parent / "docs" / "images"
WIDTH, ATTENTION_WIDTH = 480, 1100


def main() -> None:
    """Write the pictures to docs/images."""
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
    save("example-attention", attention(bracket), width=ATTENTION_WIDTH)


def attention(bracket: Bracket) -> np.ndarray:
    """What `ahdr attention` shows of the bracket."""
    network = load_checkpoint("ahdrnet").build()
    channels = liveliest_channels(network, bracket)
    summary = summarise_attention(network, bracket, channels=channels)
    return attention_pictures(summary, bracket)[OVERVIEW]


def save(name: str, pixels: np.ndarray, *, width: int = WIDTH) -> None:
    """A small JPEG."""
    height = round(width * pixels.shape[0] / pixels.shape[1])
    picture = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    picture.save(IMAGES / f"{name}.jpg", quality=88)


if __name__ == "__main__":
    main()
