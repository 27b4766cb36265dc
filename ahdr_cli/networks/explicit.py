"""The explicit merge: which frame to believe, as far as noise and white tell it.

Frames are (N, 3, 7, H, W) as :func:`ahdr_cli.networks.input.to_network_input` makes them: short,
reference, long. What frames differ by is compared with their noise over a small neighbourhood, so
that a result depends on `EXPLICIT_RADIUS` pixels around it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ahdr_cli.networks.constants import (
    CERTAINTY,
    DEFICIT,
    DISBELIEF,
    ENOUGH,
    FAINT,
    FEW,
    FILL,
    MU,
    OWN_ERROR,
    QUIET,
    RADIUS,
    REACH,
    ROLL_OFF,
    SHOWN,
    SOUND,
    TAIL,
    TOLERANCE,
    UNLIKE,
    WHITE,
)
from ahdr_cli.networks.input import LDR, RADIANCE, VARIANCE

__all__ = ["Explicit", "explicit_weights"]


class Explicit(NamedTuple):
    """What is known without learning.

    Attributes:
        logits: (N, 4, H, W), logarithms of the weights of short, reference, long and of a
            network's own picture, whose weight is 1 wherever it counts.
        settled: (N, 1, H, W) in [0, 1], where there is nothing to be learnt: where the frames have
            hardly any noise, and where a short frame shows all that a clipped reference could see.
        variance: (N, 3, H, W), of each frame's radiance by noise, over neighbourhoods.
        radiance: (N, 3, 3, H, W), of each frame; the reference's raised where it is clipped and
            the short frame shows something else.
    """

    logits: Tensor
    settled: Tensor
    variance: Tensor
    radiance: Tensor

    def with_learnt(self, trust: Tensor) -> Tensor:
        """The logits with what a network adds, (N, 4, H, W), where it may."""
        return self.logits + trust * (1.0 - self.settled)


def explicit_weights(frames: Tensor) -> Explicit:
    """The weights of a classical merge that knows the noise.

    A frame weighs the inverse of its radiance's variance, which makes the mean the best there is
    (Debevec & Malik 1997, section 2.2, ask for such weights; Granados et al., CVPR 2010, derive
    them from the camera's noise). Where an outer frame differs from the reference by more than
    the noise of both can explain, the rest of the difference counts as variance of its own, so
    that what moved is not merged (as the frames' difference does in Hasinoff et al., "Burst
    photography for high dynamic range", 2016, equation 7).

    A clipped frame weighs next to nothing. Where the reference is clipped, nothing tells how far
    the short frame is from it, and no weight is above that of a network's own picture. Two more
    things are known there: a clipped reference tells that there is at least so much light, and a
    short frame that shows less shows something that has moved; where, on the contrary, the short
    frame shows all that a clipped reference could see, nothing beside it counts.

    The unit of all weights is the inverse variance of what a network paints, which is assumed to
    be `OWN_ERROR` off after the μ-law.

    Args:
        frames: (N, 3, 7, H, W).
    """
    ldr, radiance = frames[:, :, LDR], frames[:, :, RADIANCE]
    brightest = ldr[:, 1:].amax(dim=2)
    clipped = (1.0 - (1.0 - brightest) / ROLL_OFF).clamp(min=0.0).square()
    reference, long = clipped.unbind(dim=1)
    sound = 1.0 - _ramp(brightest[:, 0], SOUND)

    variance, excess, light = _variances(frames, sound, long)
    painted = (OWN_ERROR * math.log1p(MU) * (light + 1.0 / MU)).square()
    none = torch.zeros_like(long)
    further = torch.stack((excess[:, 0], none, excess[:, 1]), dim=1)
    weights = torch.log(painted / (variance + further + painted * reference[:, None]))

    contradicted, same, filled = _highlights(ldr[:, 1], radiance, reference)
    confirmed = reference * same
    # A long frame that is not clipped where the reference nearly is shows something else.
    useless = torch.maximum(long, 1.0 - sound)
    doubt = torch.stack((contradicted, reference * (1.0 - contradicted), useless), dim=1)
    beside = torch.stack((none, confirmed, useless), dim=1)
    weights = weights - DISBELIEF * doubt - CERTAINTY * beside

    noise = OWN_ERROR * torch.exp(-0.5 * torch.logsumexp(weights, dim=1, keepdim=True))
    quiet = (1.0 - reference) * sound
    shown = _ramp(brightest[:, 0], SHOWN) * same
    settled = torch.maximum(shown[:, None], quiet[:, None] * (1.0 - _ramp(noise, QUIET)))
    return Explicit(
        logits=torch.cat((weights, -CERTAINTY * settled), dim=1),
        settled=settled,
        variance=variance,
        radiance=torch.stack((radiance[:, 0], filled, radiance[:, 2]), dim=1),
    )


class _Highlights(NamedTuple):
    contradicted: Tensor  # (N, H, W) in [0, 1], where the short frame shows something else
    same: Tensor  # (N, H, W) in [0, 1], where it shows all that the reference could see
    filled: Tensor  # (N, 3, H, W), radiance of the reference


def _highlights(ldr: Tensor, radiance: Tensor, clipped: Tensor) -> _Highlights:
    """What the short frame says where the reference is white.

    Beside something that has moved, its pixels are mixed with what is behind it: they are darker
    than the light around them and yet not darker than the reference's white. They count as
    contradicted too, or they would draw a line around everything that moves before a sky.

    Args:
        ldr: (N, 3, H, W), the reference as it was taken.
        radiance: (N, 3, 3, H, W), of all frames.
        clipped: (N, H, W) in [0, 1], where the reference is.
    """
    short, reference = radiance[:, 0], radiance[:, 1]
    lack, white = _lack(reference, short), _ramp(ldr, WHITE)
    contradicted = _ramp((lack * white).amax(dim=1), DEFICIT)
    # A channel that the reference clips may be brighter in the short frame, the others may not.
    unlike = torch.maximum(lack, -lack * (1.0 - white)).amax(dim=1)
    same = 1.0 - _ramp(unlike, UNLIKE)

    beside = F.max_pool2d(contradicted[:, None], 3, stride=1, padding=1)
    sure = white.amax(dim=1, keepdim=True) * same[:, None] * (1.0 - beside)
    around = _around(torch.cat((sure * short, sure), dim=1), REACH)
    light, share = around[:, :3] / (around[:, 3:] + 1e-6), around[:, 3:]
    known = (share / ENOUGH).clamp(max=1.0)
    darker = _ramp(((light - short) / (light + 1e-6)).amax(dim=1, keepdim=True), DEFICIT)
    mixed = (beside * darker * known)[:, 0]
    contradicted = torch.maximum(contradicted, mixed)
    unknown = (clipped * contradicted)[:, None] * known * white
    return _Highlights(
        contradicted=contradicted,
        same=same * (1.0 - mixed),
        filled=reference + FILL * unknown * (light - reference).clamp(min=0.0),
    )


def _variances(frames: Tensor, sound: Tensor, clipped: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What is uncertain about each frame, over neighbourhoods.

    Where a frame is clipped the two are not compared, but what the neighbourhood shows counts
    wherever the reference is sound: something that moved has no hole where it is bright.

    Args:
        frames: (N, 3, 7, H, W).
        sound: (N, H, W) in [0, 1], where the reference is nowhere near white.
        clipped: (N, H, W) in [0, 1], where the long frame is.

    Returns:
        (N, 3, H, W) variance by noise; (N, 2, H, W) by how much more short and long differ from
        the reference; (N, 1, H, W) light of the reference.
    """
    radiance = frames[:, :, RADIANCE]
    reference = radiance[:, 1]
    comparable = torch.stack((sound, sound * (1.0 - clipped)), dim=1)
    apart = (radiance[:, ::2] - reference[:, None]).square().mean(dim=2) * comparable
    light = reference.mean(dim=1, keepdim=True)
    pooled = _around(torch.cat((frames[:, :, VARIANCE], apart, comparable, light), dim=1), RADIUS)
    variance, apart, share, light = torch.split(pooled, [3, 2, 2, 1], dim=1)
    explained = TAIL * (variance[:, ::2] + variance[:, 1:2]) + (TOLERANCE * light).square()
    excess = (apart / (share + FEW) - explained).clamp(min=0.0)
    return variance, excess * sound[:, None], light


def _around(x: Tensor, radius: int) -> Tensor:
    """Means over the square of `radius` around each pixel, as far as it lies in the image."""
    side = 2 * radius + 1
    for kernel, padding in (((side, 1), (radius, 0)), ((1, side), (0, radius))):
        x = F.avg_pool2d(x, kernel, stride=1, padding=padding, count_include_pad=False)
    return x


def _lack(reference: Tensor, short: Tensor) -> Tensor:
    """Share of the reference's light that the short frame lacks, (N, 3, H, W); may be negative."""
    brightest = reference.amax(dim=1, keepdim=True)
    return (reference - short) / ((reference + FAINT * brightest) / (1.0 + FAINT) + 1e-6)


def _ramp(x: Tensor, ends: tuple[float, float]) -> Tensor:
    """0 at one end, 1 at the other, linear between them and constant beyond."""
    start, end = ends
    return ((x - start) / (end - start)).clamp(0.0, 1.0)
