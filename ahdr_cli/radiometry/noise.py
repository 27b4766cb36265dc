"""The noise of a camera: the variance of the light that a frame measures.

Sensors count photons and add a little of their own, so that the variance is linear in the light
(Foi, Trimeche, Katkovnik & Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting
for single-image raw-data", IEEE TIP 2008)::

    variance = noise · (light + READ)

Light is in units of the frame's white, and `noise` is one number for all frames of a bracket: it
is one camera. Per unit of light at the common white of the bracket, a frame exposed `ratio` times
longer has `ratio` times less variance.
"""

from __future__ import annotations

from ahdr_cli.radiometry.transfer import GAMMA

__all__ = [
    "BIAS",
    "BLOCK",
    "EXPOSED",
    "FEWEST",
    "GRAIN_BIAS",
    "HIDDEN",
    "LEVELS_TO_NOISE",
    "LIKELY",
    "QUANTILE",
    "QUIETEST",
    "READ",
]

READ = 0.005
"""Light at which the sensor's own noise has the variance of the photons', in units of a frame's
white. Cameras lie between 0.0002 at base sensitivity and 0.005 at high ones; where it matters,
8 bits and JPEG add as much again."""

LEVELS_TO_NOISE = (GAMMA / 255.0) ** 2
"""`noise` of a deviation of one 8-bit level. Encoded with γ = 2.2, light x has the deviation
√(noise · x) / (γ · x^(1.2/2.2)), which is √noise / γ at any brightness but for a factor x^-0.05."""

QUIETEST = LEVELS_TO_NOISE * 0.05**2
"""Least `noise`, a twentieth of an 8-bit level: a picture without any is one that was made."""

LIKELY = LEVELS_TO_NOISE * 1.0**2
"""`noise` that is assumed where it cannot be estimated: no pixel is well exposed in two frames."""

BLOCK = 8
"""Side in pixels of the blocks in which two frames are compared."""

EXPOSED = (0.04, 0.93)
"""A block counts if the mean encoded value of the darker frame is above the first (the mean, so
that noise does not select the blocks), and all of the brighter frame below the second."""

FEWEST = 8
"""Least number of blocks from which noise is estimated."""

QUANTILE = 0.1
"""Quantile of the blocks' estimates that is taken: motion and misaligned texture only add."""

BIAS = 1.15
"""The true variance over that quantile, where all blocks show noise alone: with 64 pixels of three
channels an estimate scatters by a tenth."""

GRAIN_BIAS = 1.34
"""The same for estimates from neighbouring pixels, of which a block has 16 squares of four: they
scatter by a fifth."""

HIDDEN = 0.25
"""The noise is at least this share of what the difference between frames suggests, however little
of it a single frame shows: JPEG removes noise in flat areas, and does so differently in each
frame."""
