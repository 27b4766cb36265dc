"""How good the averaged weights are on held-out brackets that never change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import nn

from ahdr_cli.training.batch import Batch, Engine, network_frames
from ahdr_cli.training.distributed import Processes
from ahdr_cli.training.loss import psnr, psnr_mu

__all__ = ["Scores", "held_out", "validate"]

PSNR_CEILING = 100.0
"""In dB; a perfect sample must not make the mean infinite."""


class Scores(NamedTuple):
    """Means over the validation samples, in dB; see :mod:`ahdr_cli.training.loss`."""

    psnr_mu: float
    psnr_l: float

    def by(self, criterion: Literal["psnr_mu", "psnr_l", "mean"]) -> float:
        """The number by which the best weights are chosen."""
        return sum(self) / 2 if criterion == "mean" else float(getattr(self, criterion))


def held_out(engine: Engine, *, samples: int, patch: int, batch: int = 4) -> list[Batch]:
    """The first `samples` samples of an engine over held-out scenes, on the CPU.

    They are made once, so that every validation sees the very same pixels.

    Args:
        engine: over scenes that training does not see.
        samples: how many.
        patch: their size in pixels.
        batch: samples per batch.
    """
    indices = range(samples)
    made = (engine.batch(indices[i : i + batch], patch=patch) for i in range(0, samples, batch))
    # Not `Batch.to`, whose copies do not block: towards the CPU that reads unfinished memory.
    return [Batch(*(tensor.cpu() for tensor in one)) for one in made]


@torch.inference_mode()
def validate(net: nn.Module, batches: Sequence[Batch], *, processes: Processes) -> Scores:
    """Mean PSNR-μ and PSNR-L of `net` in float32 over the samples of all `batches`.

    Args:
        net: in evaluation mode, on the processes' device.
        batches: at least one; each process takes its share of them.
        processes: share the work and the result.
    """
    # On the CPU: MPS has no float64, and the sums are tiny.
    sums = torch.zeros(3, dtype=torch.float64)
    for batch in batches[processes.rank :: processes.count]:
        on_device = batch.to(processes.device)
        prediction = net(network_frames(on_device)).float()
        for i, measure in enumerate((psnr_mu, psnr)):
            values = measure(prediction, on_device.target).clamp(max=PSNR_CEILING)
            sums[i] += values.sum().item()
        sums[2] += len(prediction)
    mu, linear, count = processes.total(sums).tolist()
    assert count > 0, "validation needs at least one sample"
    return Scores(psnr_mu=mu / count, psnr_l=linear / count)
