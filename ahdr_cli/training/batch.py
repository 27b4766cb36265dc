"""`Batch` and `Engine`: what the training loop asks of any source of training samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from ahdr_cli.networks.input import to_network_input
from ahdr_cli.networks.noise import batch_noise

__all__ = ["Batch", "Engine", "network_frames"]


class Batch(NamedTuple):
    """A batch of brackets with their ground truth, all float32 on one device.

    Attributes:
        ldr: (N, 3, 3, H, W) display-encoded frames in [0, 1]; axis 1 runs short, reference,
            long, axis 2 is RGB.
        ratios: (N, 3) exposures relative to the shortest frame; ``ratios[:, 0] == 1``.
        target: (N, 3, H, W) linear RGB in the reference frame's geometry, in units of the
            shortest frame's white, clipped to [0, 1].
    """

    ldr: Tensor
    ratios: Tensor
    target: Tensor

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on `device`."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


@runtime_checkable
class Engine(Protocol):
    """Makes training samples.

    `batch` is a pure function of the engine's seed and the sample indices: it does not depend
    on earlier calls, on the order of the indices or on who else is in the batch. So a resumed
    run and several processes see the samples that one unbroken process would have seen.
    """

    @property
    def device(self) -> torch.device:
        """Where the batches live."""
        ...

    def batch(self, indices: Sequence[int], *, patch: int) -> Batch:
        """The samples `indices` (any integers ≥ 0), square patches of `patch` pixels."""
        ...


def network_frames(batch: Batch) -> Tensor:
    """What a network sees of a batch, (N, 3, 7, H, W), with the noise that its frames tell."""
    return to_network_input(batch.ldr, batch.ratios, batch_noise(batch.ldr, batch.ratios))
