"""The explicit merge: a weighted mean of the three frames' radiances.

What classical HDR merging does with fixed weights, a network may do with learnt ones: it then
only has to say which frame to believe, and a well-exposed pixel comes out as the camera took it.
All is per pixel, so nothing here has a receptive field. Frames are (N, 3, 6, H, W) as
:func:`ahdr_cli.networks.input.to_network_input` makes them: short, reference, long.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ahdr_cli.networks.constants import (
    AGREED,
    CERTAINTY,
    CONFLICT,
    DARKNESS,
    DEFICIT,
    DISBELIEF,
    FAINT,
    LEAST,
    ROLL_OFF,
    UNLIKE,
    WHITE,
)
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["Choice", "Explicit", "blend", "explicit_weights", "without_autocast"]


class Choice(NamedTuple):
    """What a network that chooses says, all float32.

    Attributes:
        radiance: (N, 3, H, W), the result.
        logits: (N, 4, H, W), of short, reference, long and the network's own picture.
        own: (N, 3, H, W), that picture: linear RGB in units of the shortest frame's white.
    """

    radiance: Tensor
    logits: Tensor
    own: Tensor


class Explicit(NamedTuple):
    """What is known without learning.

    Attributes:
        logits: (N, 4, H, W), logarithms of the weights of short, reference, long and of a
            network's own picture, of which no more is known than where it does not count.
        settled: (N, 1, H, W) in [0, 1], where there is nothing to be learnt: where frames agree,
            and where a short frame shows all that a clipped reference could see.
    """

    logits: Tensor
    settled: Tensor

    def with_learnt(self, trust: Tensor) -> Tensor:
        """The logits with what a network adds, (N, 4, H, W), where it may."""
        return self.logits + trust * (1.0 - self.settled)


def explicit_weights(frames: Tensor) -> Explicit:
    """The weights in a classical merge.

    A frame weighs the square of its encoded brightness, which is nearly proportional to the
    light it gathered and hence to the inverse variance of its radiance (Debevec & Malik 1997,
    section 2.2, ask for such a weight), and next to nothing where a channel is clipped. The short
    frame keeps its weight, even clipped, as nothing better is known, with one exception: a
    clipped reference tells that there is at least so much light, and a short frame that shows
    less shows something that has moved. Where, on the contrary, the short frame shows all that a
    clipped reference could see, nothing beside it counts. A long frame that differs from the
    reference by more than noise does not count, either: its light would be that of something
    else, or of a curve that was not assumed. What the frames agree on is their mean.

    Args:
        frames: (N, 3, 6, H, W).
    """
    ldr, radiance = frames[:, :, :3], frames[:, :, 3:]
    weight = torch.log(ldr.mean(dim=2).square() + LEAST)
    clipped = (1.0 - (1.0 - ldr[:, 1:].amax(dim=2)) / ROLL_OFF).clamp(min=0.0).square()
    reference, long = clipped.unbind(dim=1)
    lack, white = _lack(radiance[:, 1], radiance[:, 0]), _ramp(ldr[:, 1], WHITE)
    contradicted = _ramp((lack * white).amax(dim=1), DEFICIT)
    # A channel that the reference clips may be brighter in the short frame, the others may not.
    unlike = torch.maximum(lack, -lack * (1.0 - white)).amax(dim=1)
    confirmed = reference * (1.0 - _ramp(unlike, UNLIKE))
    known = torch.zeros_like(long)
    doubt = torch.stack((contradicted, reference * (1.0 - contradicted), long, known), dim=1)
    differs = _conflict(radiance[:, 1], radiance[:, 2], ldr[:, 2])
    settled = confirmed + _agreement(radiance, reference, long)
    beside = torch.stack((known, confirmed, differs, settled), dim=1)
    logits = F.pad(weight, (0, 0, 0, 0, 0, 1)) - DISBELIEF * doubt - CERTAINTY * beside
    return Explicit(logits=logits, settled=settled[:, None])


def _agreement(radiance: Tensor, reference_clipped: Tensor, long_clipped: Tensor) -> Tensor:
    """Where the reference and its neighbour show the same with little noise, (N, H, W) in [0, 1].

    The neighbour is the long frame, or where that is clipped the short one. Where the reference
    is clipped, nothing agrees with it.

    Args:
        radiance: (N, 3, 3, H, W) of the frames.
        reference_clipped: (N, H, W) in [0, 1].
        long_clipped: (N, H, W) in [0, 1].
    """
    short, reference, long = radiance.unbind(dim=1)
    beside_long = (long - reference).abs().amax(dim=1)
    beside_short = (short - reference).abs().amax(dim=1)
    apart = beside_long + (beside_short - beside_long) * long_clipped
    apart = apart / (reference.mean(dim=1) + 1e-6)
    return (1.0 - _ramp(apart, AGREED)) * (1.0 - reference_clipped)


def _lack(reference: Tensor, short: Tensor) -> Tensor:
    """Share of the reference's light that the short frame lacks, (N, 3, H, W); may be negative."""
    brightest = reference.amax(dim=1, keepdim=True)
    return (reference - short) / ((reference + FAINT * brightest) / (1.0 + FAINT) + 1e-6)


def _conflict(reference: Tensor, long: Tensor, encoded: Tensor) -> Tensor:
    """Whether the long frame differs from the reference by more than noise, (N, H, W) in [0, 1].

    Args:
        reference: (N, 3, H, W) radiance.
        long: (N, 3, H, W) radiance.
        encoded: (N, 3, H, W), the long frame as it was taken, which tells what its white is.
    """
    white = long.amax(dim=1) / encoded.amax(dim=1).clamp(min=1e-4).pow(GAMMA)
    light = reference.mean(dim=1)
    apart = (long.mean(dim=1) - light).abs() / (light + DARKNESS * white + 1e-6)
    return _ramp(apart, CONFLICT)


def _ramp(x: Tensor, ends: tuple[float, float]) -> Tensor:
    """0 at one end, 1 at the other, linear between them and constant beyond."""
    start, end = ends
    return ((x - start) / (end - start)).clamp(0.0, 1.0)


def blend(frames: Tensor, logits: Tensor, *more: Tensor) -> Tensor:
    """The mean of the frames' radiances, weighted with the softmax of `logits`.

    Args:
        frames: (N, 3, 6, H, W).
        logits: (N, 3 + len(more), H, W), one per candidate and pixel, common to its channels.
        more: further candidates, each (N, 3, H, W) radiance.

    Returns:
        (N, 3, H, W) linear RGB, in [0, 1] as the candidates are, in units of the shortest
        frame's white.
    """
    candidates = (*frames[:, :, 3:].unbind(dim=1), *more)
    weights = torch.softmax(logits, dim=1).unsqueeze(2).unbind(dim=1)
    total = torch.zeros_like(candidates[0])
    for weight, candidate in zip(weights, candidates, strict=True):
        total = total + weight * candidate
    return total


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """A context in which nothing is rounded to 16 bits, for what makes radiance."""
    # The meta device, on which networks are counted, knows no autocast.
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)
