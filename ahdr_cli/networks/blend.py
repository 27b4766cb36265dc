"""The explicit merge: a weighted mean of the three frames' radiances.

What classical HDR merging does with fixed weights, a network may do with learnt ones: it then
only has to say which frame to believe, and a well-exposed pixel comes out as the camera took it.
All is per pixel, so nothing here has a receptive field. Frames are (N, 3, 6, H, W) as
:func:`ahdr_cli.networks.input.to_network_input` makes them: short, reference, long.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

__all__ = ["LEAST", "ROLL_OFF", "VALID_UNTIL", "blend", "exposure_logits", "without_autocast"]

VALID_UNTIL = 0.98
"""Encoded value from which a channel counts as clipped: JPEG blurs the last few levels."""

ROLL_OFF = 0.12
"""Encoded range over which confidence falls to zero below that, so that no edge shows."""

LEAST = 1e-3
"""Weight of a clipped or black frame: its logarithm must be finite, and a network must be able
to prefer the frame all the same."""


def exposure_logits(frames: Tensor) -> Tensor:
    """Logarithms of the weights that a static scene would be merged with, (N, 3, H, W).

    A frame weighs the square of its encoded brightness, which is nearly proportional to the
    light it gathered and hence to the inverse variance of its radiance (Debevec & Malik 1997,
    section 2.2, ask for such a weight), and nothing where a channel is clipped. The short frame
    keeps its weight: where it is clipped nothing better is known.

    Args:
        frames: (N, 3, 6, H, W).
    """
    ldr = frames[:, :, :3]
    brightness = ldr.mean(dim=2)
    headroom = (VALID_UNTIL - ldr[:, 1:].amax(dim=2)) / ROLL_OFF
    valid = torch.cat((torch.ones_like(brightness[:, :1]), headroom.clamp(0.0, 1.0)), dim=1)
    return torch.log(brightness.square() * valid + LEAST)


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
