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

__all__ = [
    "DEFICIT",
    "LEAST",
    "NEXT_TO_NOTHING",
    "ROLL_OFF",
    "VALID_UNTIL",
    "blend",
    "exposure_logits",
    "without_autocast",
]

VALID_UNTIL = 0.98
"""Encoded value from which a channel counts as clipped: JPEG blurs the last few levels."""

ROLL_OFF = 0.12
"""Encoded range over which confidence falls to zero below that, so that no edge shows."""

LEAST = 1e-3
"""Weight of a black frame, of a clipped reference that is contradicted, and of the short frame that
contradicts it: logarithms must be finite, and a network must be able to prefer any frame."""

NEXT_TO_NOTHING = 1e-7
"""Weight of other clipped frames. They only say that there is at least so much light, and a network
that hedges with them dims the lamps of a static scene."""

DEFICIT = (0.1, 0.25)
"""Share of the light of a clipped reference that the short frame may lack: up to the first it is
noise or the camera's curve, from the second on the short frame shows something else."""


def exposure_logits(frames: Tensor) -> Tensor:
    """Logarithms of the weights that the frames would have in a classical merge, (N, 3, H, W).

    A frame weighs the square of its encoded brightness, which is nearly proportional to the
    light it gathered and hence to the inverse variance of its radiance (Debevec & Malik 1997,
    section 2.2, ask for such a weight), and nothing where a channel is clipped. The short frame
    keeps its weight, even clipped, as nothing better is known, with one exception: a clipped
    reference tells that there is at least so much light, and a short frame that shows less
    shows something that has moved.

    Args:
        frames: (N, 3, 6, H, W).
    """
    ldr, radiance = frames[:, :, :3], frames[:, :, 3:]
    power = ldr.mean(dim=2).square()
    headroom = (VALID_UNTIL - ldr[:, 1:].amax(dim=2)) / ROLL_OFF
    valid = headroom.clamp(0.0, 1.0)
    contradicted = _contradiction(ldr[:, 1], radiance[:, 1], radiance[:, 0])
    short = power[:, 0] * (1.0 - contradicted) + LEAST
    reference = power[:, 1] * valid[:, 0] + _floor(ldr[:, 1]) + LEAST * contradicted
    long = power[:, 2] * valid[:, 1] + _floor(ldr[:, 2])
    return torch.log(torch.stack((short, reference, long), dim=1))


def _floor(ldr: Tensor) -> Tensor:
    """(N, 3, H, W) → (N, H, W): `LEAST` where a frame is black, next to nothing where clipped."""
    headroom = (VALID_UNTIL - ldr.amax(dim=1)) / ROLL_OFF
    return LEAST * headroom.clamp(0.0, 1.0) + NEXT_TO_NOTHING


def _contradiction(encoded: Tensor, reference: Tensor, short: Tensor) -> Tensor:
    """Whether the short frame lacks light that a clipped reference has, (N, H, W) in [0, 1]."""
    clipped = ((encoded - VALID_UNTIL + ROLL_OFF / 4) / (ROLL_OFF / 4)).clamp(0.0, 1.0)
    deficit = ((reference - short) / (reference + 1e-6) * clipped).amax(dim=1)
    low, high = DEFICIT
    return ((deficit - low) / (high - low)).clamp(0.0, 1.0)


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
