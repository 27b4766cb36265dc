"""A batched simulation of baseline JPEG: colour transform, subsampling, DCT, quantisation.

Follows ITU-T T.81 with the JFIF colour transform, the example tables of its annex K and the
quality scale of the Independent JPEG Group's library. Entropy coding is lossless and left out.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["simulate_jpeg"]

# ITU-T T.81, tables K.1 (luminance) and K.2 (chrominance).
_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
    (99, 99, 99, 99, 99, 99, 99, 99),
)
# JFIF 1.02: full-range BT.601 RGB to YCbCr and back, chroma centred on zero.
_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168736, -0.331264, 0.5),
    (0.5, -0.418688, -0.081312),
)
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def simulate_jpeg(images: Tensor, *, quality: Tensor, subsample: Tensor, grid: Tensor) -> Tensor:
    """What JPEG compression leaves of encoded images.

    Args:
        images: (N, 3, H, W) display-encoded RGB in [0, 1].
        quality: (N,) 1–100.
        subsample: (N,) bool: chroma at half resolution (4:2:0) instead of full (4:4:4).
        grid: (N, 2) integers in 0 … 15: how far left and above the first pixel the block grid
            starts, as for a crop from a larger picture.

    Returns:
        (N, 3, H, W) in [0, 1] on the 8-bit grid.
    """
    count, _, height, width = images.shape
    rows = _reflected(grid[:, 0], height, _padded(height))
    columns = _reflected(grid[:, 1], width, _padded(width))
    padded = torch.gather(images, 2, rows[:, None, :, None].expand(-1, 3, -1, width))
    padded = torch.gather(padded, 3, columns[:, None, None, :].expand(-1, 3, padded.shape[2], -1))
    ycc = _mix(padded * 255.0, _TO_YCC).round_()  # codecs hold samples of 8 bits throughout
    ycc[:, 0] -= 128.0

    coarse = subsample.view(-1, 1, 1, 1)
    scale = _quality_scale(quality)
    basis = _dct_basis(images.device)
    luma = _quantise(ycc[:, :1], _table(_LUMINANCE, scale), basis)
    chroma_table = _table(_CHROMINANCE, scale)
    fine_chroma = _quantise(ycc[:, 1:], chroma_table, basis)
    # At half resolution the blocks span 16 pixels; libjpeg interpolates when it decodes.
    small = _quantise(functional.avg_pool2d(ycc[:, 1:], 2).round_(), chroma_table, basis)
    coarse_chroma = functional.interpolate(
        small, scale_factor=2, mode="bilinear", align_corners=False
    )
    chroma = torch.where(coarse, coarse_chroma, fine_chroma)
    rgb = _mix(torch.cat([luma + 128.0, chroma], 1).round_(), _TO_RGB)
    rgb = rgb.round().clamp(0.0, 255.0) / 255.0

    down = (grid[:, :1] + torch.arange(height, device=grid.device))[:, None, :, None]
    across = (grid[:, 1:] + torch.arange(width, device=grid.device))[:, None, None, :]
    rgb = torch.gather(rgb, 2, down.expand(-1, 3, -1, rgb.shape[3]))
    return torch.gather(rgb, 3, across.expand(count, 3, height, width))


def _padded(length: int) -> int:
    """Room for `length` pixels at any phase of a 16-pixel grid."""
    return 16 * math.ceil((length + 15) / 16)


def _reflected(phase: Tensor, length: int, padded: int) -> Tensor:
    """(N, padded) source positions, mirrored beyond the image."""
    position = (torch.arange(padded, device=phase.device) - phase[:, None]) % (2 * length)
    return torch.minimum(position, 2 * length - 1 - position)


def _mix(images: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    weights = torch.tensor(matrix, device=images.device, dtype=images.dtype)
    return torch.einsum("oc,nchw->nohw", weights, images)


def _quality_scale(quality: Tensor) -> Tensor:
    """Percent by which the tables are scaled (IJG)."""
    return torch.where(quality < 50.0, 5000.0 / quality, 200.0 - 2.0 * quality)


def _table(rows: tuple[tuple[int, ...], ...], scale: Tensor) -> Tensor:
    """(N, 1, 1, 1, 8, 8) quantiser steps."""
    base = torch.tensor(rows, device=scale.device, dtype=scale.dtype)
    steps = torch.floor((base * scale.view(-1, 1, 1) + 50.0) / 100.0).clamp(1.0, 255.0)
    return steps[:, None, None, None]


def _dct_basis(device: torch.device) -> Tensor:
    """(8, 8) orthonormal DCT-II: rows are frequencies."""
    frequency = torch.arange(8, dtype=torch.float64)[:, None]
    sample = torch.arange(8, dtype=torch.float64)[None, :]
    basis = torch.cos((2.0 * sample + 1.0) * frequency * math.pi / 16.0) * 0.5
    basis[0] *= math.sqrt(0.5)
    return basis.float().to(device)


def _quantise(planes: Tensor, table: Tensor, basis: Tensor) -> Tensor:
    """Round the DCT coefficients of (N, C, H, W) planes; H and W are multiples of 8."""
    count, channels, height, width = planes.shape
    blocks = planes.view(count, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    coefficients = basis @ blocks @ basis.T
    blocks = basis.T @ (torch.round(coefficients / table) * table) @ basis
    return blocks.transpose(3, 4).reshape(count, channels, height, width)
