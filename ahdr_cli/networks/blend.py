"""The merge itself: a weighted mean of the three frames' radiances and of a network's own picture.

What classical HDR merging does with fixed weights, a network may do with learnt ones: it then
only has to say which frame to believe, and a well-exposed pixel comes out as the camera took it.
The part of the weights that needs no learning is in :mod:`ahdr_cli.networks.explicit`; the noise
that is left is reduced in :mod:`ahdr_cli.networks.shrinkage`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Blend", "Choice", "blend"]


class Choice(NamedTuple):
    """The output of a network that chooses between the frames, all float32.

    Attributes:
        radiance: (N, 3, H, W), the result.
        logits: (N, 4, H, W), of short, reference, long and the network's own picture.
        own: (N, 3, H, W), that picture: linear RGB in units of the shortest frame's white.
    """

    radiance: Tensor
    logits: Tensor
    own: Tensor


class Blend(NamedTuple):
    """A weighted mean.

    Attributes:
        radiance: (N, 3, H, W) linear RGB, in [0, 1] as the candidates are, in units of the
            shortest frame's white.
        variance: (N, 1, H, W), of the mean by the noise of the frames.
    """

    radiance: Tensor
    variance: Tensor


def blend(radiance: Tensor, logits: Tensor, variance: Tensor, *more: Tensor) -> Blend:
    """The mean of the frames' radiances, weighted with the softmax of `logits`.

    Args:
        radiance: (N, 3, 3, H, W), of the frames.
        logits: (N, 3 + len(more), H, W), one per candidate and pixel, common to its channels.
        variance: (N, 3, H, W), of the frames; further candidates have none.
        more: further candidates, each (N, 3, H, W) radiance.
    """
    candidates = (*radiance.unbind(dim=1), *more)
    shares = torch.softmax(logits, dim=1)
    weights = shares.unsqueeze(2).unbind(dim=1)
    total = torch.zeros_like(candidates[0])
    for weight, candidate in zip(weights, candidates, strict=True):
        total = total + weight * candidate
    of_mean = (shares[:, :3].square() * variance).sum(dim=1, keepdim=True)
    return Blend(radiance=total, variance=of_mean)
