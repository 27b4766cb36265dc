"""Small tensor operations that background and objects share: colour, ranking, resampling."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

__all__ = ["colour", "patch_points", "put", "ranked_brightness", "sample"]

# Radiance beyond this many whites is cut before interpolation: no frame can tell it apart, and
# the overshoot of the kernel beside a bare lamp stays small.
_CEILING = 16.0
_RANKED = 1024


def put(array: NDArray[np.generic], device: torch.device) -> Tensor:
    """A numpy array on the device; floating arrays become float32."""
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    return torch.from_numpy(np.ascontiguousarray(array)).to(device, non_blocking=True)


def patch_points(size: tuple[int, int], device: torch.device) -> Tensor:
    """(H, W, 2) positions x, y of the patch's pixels, measured from its centre."""
    rows = torch.arange(size[0], device=device, dtype=torch.float32) - 0.5 * (size[0] - 1)
    columns = torch.arange(size[1], device=device, dtype=torch.float32) - 0.5 * (size[1] - 1)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], -1)


def colour(radiance: Tensor, gain: Tensor, saturation: Tensor) -> Tensor:
    """Change white balance and saturation of (M, 3, H, W) radiance, keeping it ≥ 0.

    Args:
        radiance: linear RGB ≥ 0.
        gain: (M, 3) factor per channel.
        saturation: (M,) factor on the distance from grey.
    """
    radiance = radiance * gain[:, :, None, None]
    grey = radiance.mean(1, keepdim=True)
    return torch.lerp(grey, radiance, saturation.view(-1, 1, 1, 1)).clamp_(min=0.0)


def ranked_brightness(window: Tensor) -> Tensor:
    """About a thousand brightness values (largest channel) of each window, sorted: (M, K)."""
    pixels = window.shape[2] * window.shape[3]
    # An odd stride, so that the samples do not fall into a few columns.
    stride = max(1, pixels // _RANKED) | 1
    values: Tensor = window.amax(1).flatten(1)[:, ::stride].sort(dim=1).values
    return values


def sample(window: Tensor, points: Tensor, read: Tensor, centre: Tensor) -> Tensor:
    """Read frames out of windows, with bicubic interpolation of the square root.

    Interpolating the root instead of radiance keeps the dark side of a bright border free of
    deep undershoot; as the truth is read in the same way, it stays consistent.

    Args:
        window: (M, 3, h, w) radiance ≥ 0.
        points: (M, F, H, W, 2) output positions x, y.
        read: (M, 2, 2) from output to window offsets.
        centre: (M, 2) window position x, y of the output origin.

    Returns:
        (M, F, 3, H, W) radiance in [0, 16].
    """
    count, frames, height, width, _ = points.shape
    spot = torch.einsum("mij,mfhwj->mfhwi", read, points) + centre[:, None, None, None]
    extent = torch.tensor(
        [window.shape[3] - 1, window.shape[2] - 1], device=window.device, dtype=window.dtype
    )
    grid = (spot * (2.0 / extent) - 1.0).view(count, frames * height, width, 2)
    root = window.clamp(max=_CEILING).sqrt()
    picked = functional.grid_sample(
        root, grid, mode="bicubic", padding_mode="border", align_corners=True
    )
    picked = picked.clamp_(0.0, _CEILING**0.5).square()
    return picked.view(count, 3, frames, height, width).transpose(1, 2)
