"""Makes the example bracket from one CC0 radiance map: `python examples/make.py MAP.exr`.

The map is Poly Haven's "parking_garage" (CC0), the 1024 × 369 band around its horizon with a
geometric mean of 0.18. A car that is parked in it is cut out, enlarged and driven past while
the three exposures are taken; noise, the camera curve and JPEG do the rest. The result stands
in this folder as low.jpg, mid.jpg and high.jpg, with their exposures in EXIF.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import OpenEXR
import piexif
from PIL import Image, ImageDraw, ImageFilter

HERE = Path(__file__).parent

# Window of the map that makes the picture: columns, then rows.
CROP = (slice(4, 364), slice(100, 740))

# The parked car: the corner of a 120 × 100 box, and its outline in sixths of a pixel there.
CAR_CORNER = (160, 170)
CAR_SIZE = (100, 120)
# fmt: off
CAR_OUTLINE = [
    (100, 360), (104, 290), (110, 215), (118, 203), (136, 200), (178, 130), (200, 122),
    (265, 117), (350, 114), (405, 119), (440, 132), (475, 168), (502, 206), (522, 197),
    (547, 200), (547, 215), (530, 221), (551, 250), (557, 285), (555, 320), (547, 350),
    (520, 356), (440, 377), (430, 410), (410, 431), (382, 433), (363, 415), (355, 391),
    (285, 387), (190, 384), (180, 399), (150, 403), (122, 394), (112, 371),
]
# fmt: on
CAR_SCALE = 1.7

# The drive: left edge of the car's box in the picture, one position an exposure, and its top.
CAR_LEFT = (205, 275, 345)
CAR_TOP = 112

SECONDS = ((1, 240), (1, 60), (1, 15))
WHITE = (4.0, 1.0, 0.25)  # radiance that just saturates each exposure
SHOT_NOISE, READ_NOISE = 1.5e-4, 3e-6  # variance = a·x + b, in units of each frame's white
GAMMA = 2.2


def main(source: Path) -> None:
    """Write the three photographs beside this script."""
    radiance = OpenEXR.File(str(source)).channels()["RGB"].pixels.astype(np.float32)
    radiance = np.clip(radiance, 0, None)
    rng = np.random.default_rng(2019)
    for name, left, white, seconds in zip(
        ("low", "mid", "high"), CAR_LEFT, WHITE, SECONDS, strict=True
    ):
        light = np.clip(drive(radiance, left) / white, 0, 4)
        noise = rng.standard_normal(light.shape) * np.sqrt(SHOT_NOISE * light + READ_NOISE)
        encoded = np.clip(light + noise, 0, 1) ** (1 / GAMMA)
        picture = Image.fromarray(np.round(encoded * 255).astype(np.uint8))
        picture.save(HERE / f"{name}.jpg", quality=95, subsampling=0, exif=capture(seconds))


def drive(radiance: np.ndarray, left: int) -> np.ndarray:
    """The scene with the car's box at column `left`: (360, 640, 3) linear."""
    rows, columns = (slice(c, c + s) for c, s in zip(CAR_CORNER, CAR_SIZE, strict=True))
    size = tuple(round(s * CAR_SCALE) for s in reversed(CAR_SIZE))
    car = np.stack(
        [
            np.asarray(Image.fromarray(radiance[rows, columns, c]).resize(size, Image.BILINEAR))
            for c in range(3)
        ],
        axis=-1,
    )
    # Bilinear: a wider kernel would ring around the windows, which are a hundred times brighter.
    outline = Image.new("L", (CAR_SIZE[1] * 6, CAR_SIZE[0] * 6))
    ImageDraw.Draw(outline).polygon(CAR_OUTLINE, fill=255)
    mask = np.asarray(outline.resize(size, Image.LANCZOS), np.float32)[..., None] / 255

    scene = radiance[CROP].copy()
    height, width = car.shape[:2]
    box = (slice(CAR_TOP, CAR_TOP + height), slice(left, left + width))
    scene *= shadow(scene.shape[:2], left)
    scene[box] = scene[box] * (1 - mask) + np.clip(car, 0, None) * mask
    return scene


def shadow(size: tuple[int, int], left: int) -> np.ndarray:
    """How much light reaches the floor under the car, (H, W, 1) in (0, 1]."""
    picture = Image.new("L", size[::-1])
    bottom = CAR_TOP + 66 * CAR_SCALE
    ImageDraw.Draw(picture).ellipse(
        (left + 18 * CAR_SCALE, bottom - 14, left + 94 * CAR_SCALE, bottom + 14), fill=255
    )
    dark = np.asarray(picture.filter(ImageFilter.GaussianBlur(5)), np.float32)[..., None] / 255
    return 1 - 0.75 * dark


def capture(seconds: tuple[int, int]) -> bytes:
    """An EXIF block with the exposure."""
    return piexif.dump(
        {
            "0th": {
                piexif.ImageIFD.Make: b"ahdr",
                piexif.ImageIFD.Model: b"synthetic example",
                piexif.ImageIFD.Orientation: 1,
            },
            "Exif": {
                piexif.ExifIFD.ExposureTime: seconds,
                piexif.ExifIFD.FNumber: (56, 10),
                piexif.ExifIFD.ISOSpeedRatings: 200,
                piexif.ExifIFD.DateTimeOriginal: b"2026:11:22 12:00:00",
            },
        }
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
