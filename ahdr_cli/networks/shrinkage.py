"""Shrinkage: the noise that is left in the merged picture is reduced.

Wherever the network chose frames, the standard deviation of their mean's noise is known. In the
block of `SIDE` by `SIDE` pixels around every pixel, frequencies that are no larger than such noise
are removed, and the results of all blocks that a pixel is part of are averaged (Coifman &
Donoho, "Translation-invariant de-noising", 1995; Yu & Sapiro, "DCT image denoising: a simple and
effective image denoising algorithm", IPOL 2011). Between noise and scene the share falls linearly,
as in Gao & Bruce, "WaveShrink with firm shrinkage", Statistica Sinica 1997, and what is clearly
the scene stays as it is. The mean of a block is never touched.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ahdr_cli.networks.blend import Blend
from ahdr_cli.networks.constants import MU, SHRUNK, SIDE, SILENT
from ahdr_cli.networks.precision import without_tf32

__all__ = ["shrink_noise"]


def shrink_noise(mapped: Tensor, merged: Blend) -> Tensor:
    """Reduce noise.

    Args:
        mapped: (N, 3, H, W), the picture after the μ-law.
        merged: the mean that it was made of, with its noise.

    Returns:
        (N, 3, H, W), after the μ-law.
    """
    patterns = _block_frequencies(mapped)
    light = merged.radiance.mean(dim=1, keepdim=True)
    variance, light = _of_blocks(torch.cat((merged.variance, light), dim=1)).chunk(2, dim=1)
    # The slope of the μ-law is 1 / ((light + 1/μ) · log(1 + μ)).
    certainty = (light + 1.0 / MU) * math.log1p(MU) / (variance + SILENT).sqrt()
    # Border pixels are repeated, or the border would look like an edge.
    padded = F.pad(mapped, [SIDE // 2] * 4, mode="replicate")
    # What TF32 rounds off is more than the noise of a good photograph.
    with without_tf32(mapped.device):
        found = F.conv2d(padded, patterns)
        start, end = SHRUNK
        noise = found * ((end - found.abs() * certainty) / (end - start)).clamp(0.0, 1.0)
        return mapped - F.conv_transpose2d(noise, patterns, padding=SIDE // 2) / SIDE**2


def _of_blocks(x: Tensor) -> Tensor:
    """Means over the block around each pixel, as far as it lies in the image."""
    return F.avg_pool2d(x, SIDE, stride=1, padding=SIDE // 2, count_include_pad=False)


def _block_frequencies(like: Tensor) -> Tensor:
    """:func:`ahdr_cli.networks.transform.block_frequencies` of `SIDE`, made on the device.

    Copied from the host, they could not be part of a CUDA graph.
    """
    colour, place = _cosines(3, like), _cosines(SIDE, like)
    patterns = torch.einsum("kc,ay,bx->kabcyx", colour, place, place)
    return patterns.reshape(3, SIDE**2, 3, SIDE, SIDE)[:, 1:].reshape(-1, 3, SIDE, SIDE)


def _cosines(length: int, like: Tensor) -> Tensor:
    """(frequency, place)."""
    place = torch.arange(length, device=like.device, dtype=like.dtype)
    frequency = place[:, None]
    cosines = (math.pi / length * (place + 0.5) * frequency).cos()
    return cosines * ((1.0 + (frequency > 0)) / length).sqrt()
