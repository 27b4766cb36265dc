"""The noise of a camera: what variance the light that a frame tells has.

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
"""Of a bracket that tells nothing about it, because no pixel is exposed well in two frames."""

BLOCK = 8
"""Side in pixels of the blocks in which two frames are compared."""

EXPOSED = (0.04, 0.93)
"""Encoded values between which both frames of a block must lie: the darker one on average, so that
noise does not decide which blocks tell about it, and no pixel of the brighter one near white."""

FEWEST = 8
"""Blocks below which a pair of frames tells nothing."""

QUANTILE = 0.1
"""Of the blocks' estimates, the one that is believed: motion and misaligned texture only add."""

BIAS = 1.15
"""By how much the variance is above that quantile, where all blocks show noise alone: with 64
pixels of three channels an estimate scatters by a tenth."""

GRAIN_BIAS = 1.34
"""The same for estimates from neighbouring pixels, of which a block has 16 squares of four: they
scatter by a fifth."""

HIDDEN = 0.25
"""Least share of the noise between frames that is believed, however little of it one frame shows.
JPEG leaves none in flat places, and what it takes from one frame it takes from the next one
differently."""
