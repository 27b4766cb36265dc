"""The training objective and the two PSNRs, in torch.

Images are (N, 3, H, W) linear RGB in [0, 1], in units of the shortest frame's white. Every term
is a plain mean over values, so that the mean over equal parts of a batch, on one process or
several, is the mean over the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ahdr_cli.networks.mu_law import mu_law_compress
from ahdr_cli.training.batch import Batch
from ahdr_cli.training.settings import LossSettings

__all__ = ["CLIPPED", "objective", "psnr", "psnr_mu", "reference_clipped"]

CLIPPED = 250.0 / 255.0
"""Encoded value from which a channel counts as clipped; JPEG blurs the last few levels."""


def objective(
    prediction: Tensor, batch: Batch, settings: LossSettings, *, own: Tensor | None = None
) -> Tensor:
    """What is minimised, a scalar.

    ::

        D(p) + fft · mean(|F(T(p)) - F(T(t))|) + own · D(o)
        D(x) = mean(w · d(T(x), T(t))) + linear · mean(w · |x - t|)

    with T the μ-law, d the L1 or squared distance, w = 1 + clipped · [reference is clipped] and
    F the orthonormal 2-D Fourier transform, real and imaginary parts counted apart.

    Args:
        prediction: (N, 3, H, W) in [0, 1], float32.
        batch: its `target` is compared with; its frames say where the reference is clipped.
        settings: kind and weights; a term of weight 0 costs nothing.
        own: (N, 3, H, W) in [0, 1], the picture that the network would choose from itself.
    """
    loss = _distance(prediction, batch, settings)
    if settings.fft:
        mapped, target = (mu_law_compress(x, settings.mu) for x in (prediction, batch.target))
        spectrum = torch.view_as_real(torch.fft.rfft2(mapped - target, norm="ortho"))
        loss = loss + settings.fft * spectrum.abs().mean()
    if settings.own and own is not None:
        loss = loss + settings.own * _distance(own, batch, settings)
    return loss


def _distance(prediction: Tensor, batch: Batch, settings: LossSettings) -> Tensor:
    """The terms that compare pixel by pixel, D of :func:`objective`."""
    target = batch.target
    difference = mu_law_compress(prediction, settings.mu) - mu_law_compress(target, settings.mu)
    distance = difference.abs() if settings.kind == "l1" else difference.square()
    if settings.linear:
        distance = distance + settings.linear * (prediction - target).abs()
    if settings.clipped:
        distance = distance * (1.0 + settings.clipped * reference_clipped(batch.ldr))
    return distance.mean()


def reference_clipped(ldr: Tensor) -> Tensor:
    """(N, 3, 3, H, W) frames → (N, 1, H, W): 1.0 where any channel of the reference is clipped."""
    return (ldr[:, 1].amax(dim=1, keepdim=True) >= CLIPPED).to(ldr.dtype)


def psnr(prediction: Tensor, target: Tensor) -> Tensor:
    """PSNR of each sample in dB, peak 1: (N, 3, H, W) twice → (N,). Equal images give inf.

    Values are clipped to [0, 1] first. Of linear values this is PSNR-L.
    """
    error = (prediction.clamp(0.0, 1.0) - target.clamp(0.0, 1.0)).square().mean(dim=(1, 2, 3))
    return -10.0 * torch.log10(error)


def psnr_mu(prediction: Tensor, target: Tensor) -> Tensor:
    """PSNR-μ of each sample in dB: :func:`psnr` of μ-law values, clipped to [0, 1] before it."""
    return psnr(
        mu_law_compress(prediction.clamp(0.0, 1.0)), mu_law_compress(target.clamp(0.0, 1.0))
    )
