"""`lift_photo`: an ordinary photograph as a radiance map, with invented highlights.

Photographs bring the fine detail that environment maps lack, but stop at white. Lifting
linearises the picture and expands its highlights by up to `peak`:

1. A smooth gain on the brightness (largest channel) m: 1 up to m = 0.5, `_RAMP` at m = 1. All
   channels get the same gain, so that colours stay.
2. What is clipped in two channels or more has no profile left; a gain on m alone would make it
   a flat plateau with a hard border. There the gain goes on rising towards the middle of the
   region: blurred copies of the clipped area at several scales, which are low at its border and
   in small blobs and high deep inside, serve as its dome.
3. Clipped light takes over some of the colour of the light around it, as lamps and skies do.

After the idea of expand maps in Banterle et al., "Inverse Tone Mapping" (GRAPHITE 2006).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from ahdr_cli.images import FloatArray
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["lift_photo"]

_KNEE = 0.5
_RAMP = 2.5  # gain where clipping begins
_WHITISH = 0.86  # encoded second channel above which clipping begins to be suspected
_SCALES = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)  # σ of the domes, thousandths of the longer side
_COARSE_RADIUS = 2.0  # blurs wider than twice this are made on a coarser grid
_INHERITED = 0.6  # share of the surrounding colour that clipped white takes over


def lift_photo(pixels: FloatArray, *, peak: float = 16.0) -> FloatArray:
    """Expand a photograph to radiance.

    Args:
        pixels: (H, W, 3) RGB in [0, 1], encoded with about γ 2.2.
        peak: the gain in the middle of large clipped regions, ≥ `_RAMP`.

    Returns:
        (H, W, 3) linear radiance in [0, peak]; up to mid tones it is pixels^2.2.
    """
    encoded = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    linear = encoded.pow(GAMMA)
    brightness = encoded.amax(1, keepdim=True)
    # A bright colour clips in one channel and has its profile left in the others.
    second = encoded.sort(dim=1).values[:, 1:2]
    clipped = _smoothstep((second - _WHITISH) / (1.0 - _WHITISH))

    unit = max(pixels.shape[:2]) / 1000.0
    dome = torch.zeros_like(clipped)
    for scale in _SCALES:
        # Half of a straight border is covered: start from there, so that borders stay smooth.
        dome += (2.0 * _blur(clipped, scale * unit) - 1.0).clamp(min=0.0) / len(_SCALES)
    gain = 1.0 + (_RAMP - 1.0) * _smoothstep((brightness - _KNEE) / (1.0 - _KNEE))
    gain = gain * (peak / _RAMP) ** (dome * clipped)

    tint = _surrounding_colour(linear, clipped, radius=16.0 * unit)
    coloured = linear * (1.0 + _INHERITED * clipped * (tint - 1.0))
    coloured *= linear.amax(1, keepdim=True) / coloured.amax(1, keepdim=True).clamp(min=1e-6)
    return (coloured * gain)[0].permute(1, 2, 0).contiguous().numpy()


def _surrounding_colour(linear: Tensor, clipped: Tensor, *, radius: float) -> Tensor:
    """Colour, largest channel 1, of the bright but unclipped light within about `radius`."""
    weight = (1.0 - clipped) * linear.amax(1, keepdim=True) + 1e-4
    mean = _blur(linear * weight, radius) / _blur(weight, radius)
    return mean / mean.amax(1, keepdim=True).clamp(min=1e-6)


def _blur(planes: Tensor, radius: float) -> Tensor:
    """About a Gaussian with σ = `radius` pixels; wide ones are made on a coarser grid."""
    size = (planes.shape[2], planes.shape[3])
    step = min(max(1, int(radius / _COARSE_RADIUS)), *size)
    small = functional.interpolate(
        planes, size=(max(1, size[0] // step), max(1, size[1] // step)), mode="area"
    )
    # Three box filters of half width r in a row have σ² = r (r + 1).
    reach = max(1, round(math.sqrt(0.25 + (radius / step) ** 2) - 0.5))
    for _ in range(3):
        small = functional.avg_pool2d(small, 2 * reach + 1, 1, reach, count_include_pad=False)
    return functional.interpolate(small, size=size, mode="bilinear", align_corners=False)


def _smoothstep(x: Tensor) -> Tensor:
    x = x.clamp(0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)
