"""`preview_sheet`: a contact sheet of training samples, to be looked at."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ahdr_cli.networks.mu_law import mu_law_compress
from ahdr_cli.radiometry.transfer import GAMMA
from ahdr_cli.training.batch import Batch, Engine

__all__ = ["naive_merge", "preview_sheet"]

_GAP = 4
_BACKGROUND = 128


def naive_merge(batch: Batch) -> Tensor:
    """The merge that trusts every frame: weights fall linearly towards black and white.

    Where something moved it shows ghosts; on a static bracket it is a fair HDR image. After
    Debevec & Malik (1997), with the triangle weight applied to the encoded values.

    Returns:
        (N, 3, H, W) radiance in units of the shortest frame's white, in [0, 1].
    """
    radiance = batch.ldr.pow(GAMMA) / batch.ratios[:, :, None, None, None]
    weight = 1.0 - (2.0 * batch.ldr - 1.0).abs()
    # At the ends of the range one frame is all there is: the shortest in white, the longest in
    # black.
    weight[:, 0] += 1e-3 * (batch.ldr[:, 0] > 0.5)
    weight[:, 2] += 1e-3 * (batch.ldr[:, 2] < 0.5)
    merged = (weight * radiance).sum(1) / weight.sum(1).clamp(min=1e-6)
    return merged.clamp(0.0, 1.0)


def preview_sheet(
    engine: Engine, count: int = 8, *, patch: int = 256, first: int = 0
) -> NDArray[np.uint8]:
    """Samples side by side, one per column.

    The rows are the short, the reference and the long frame, the ground truth and the naive
    merge, these two compressed with the μ-law.

    Args:
        engine: to draw the samples from.
        count: of samples.
        patch: their size in pixels.
        first: index of the first sample.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    samples = [engine.batch([first + number], patch=patch) for number in range(count)]
    columns = []
    for sample in samples:
        tone = mu_law_compress(torch.cat([sample.target, naive_merge(sample)]))
        columns.append(torch.cat([sample.ldr[0], tone]).cpu())
    pictures = torch.stack(columns, 1)
    pixels = (pictures * 255.0).round().byte().permute(0, 1, 3, 4, 2).numpy()
    rows, across, height, width, _ = pixels.shape
    shape = (rows * (height + _GAP) - _GAP, across * (width + _GAP) - _GAP, 3)
    sheet = np.full(shape, _BACKGROUND, dtype=np.uint8)
    for row in range(rows):
        for column in range(across):
            top, left = row * (height + _GAP), column * (width + _GAP)
            sheet[top : top + height, left : left + width] = pixels[row, column]
    return sheet
