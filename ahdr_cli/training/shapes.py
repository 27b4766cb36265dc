"""Outlines of moving objects as signed distance fields, in pixels, negative inside.

Distances are exact for limbs and polygon sides and a first-order approximation for blobs,
which is enough for edges a few pixels wide.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["blob_distance", "limbs_distance", "polygon_distance"]


def blob_distance(points: Tensor, *, radius: Tensor, aspect: Tensor, harmonics: Tensor) -> Tensor:
    """An ellipse whose radius wobbles with the angle.

    Args:
        points: (M, ..., 2) x, y in the object's frame.
        radius: (M,) mean radius.
        aspect: (M,) width over height.
        harmonics: (M, K, 2) amplitude (of the radius) and phase of cos((k + 2) θ + phase).

    Returns:
        (M, ...) distances.
    """
    spread = (1,) * (points.ndim - 2)
    stretch = aspect.sqrt().view(-1, *spread)
    x, y = points[..., 0] / stretch, points[..., 1] * stretch
    angle = torch.atan2(y, x)
    edge = torch.ones_like(angle)
    for k in range(harmonics.shape[1]):
        amplitude, phase = (harmonics[:, k, i].view(-1, *spread) for i in (0, 1))
        edge = edge + amplitude * torch.cos((k + 2) * angle + phase)
    wide = torch.maximum(stretch, 1.0 / stretch)
    size = radius.view(-1, *spread)
    return torch.hypot(x, y) - size * edge.clamp(min=0.2) / wide


def polygon_distance(points: Tensor, *, radius: Tensor, sides: Tensor) -> Tensor:
    """A convex polygon: the intersection of half-planes.

    Args:
        points: (M, ..., 2).
        radius: (M,).
        sides: (M, K, 2) direction of each side's normal, its distance in units of the radius.
    """
    spread = (1,) * (points.ndim - 2)
    distance: Tensor | None = None
    for k in range(sides.shape[1]):
        angle, reach = (sides[:, k, i].view(-1, *spread) for i in (0, 1))
        beyond = points[..., 0] * angle.cos() + points[..., 1] * angle.sin()
        beyond = beyond - reach * radius.view(-1, *spread)
        distance = beyond if distance is None else torch.maximum(distance, beyond)
    assert distance is not None
    return distance


def limbs_distance(points: Tensor, *, radius: Tensor, capsules: Tensor) -> Tensor:
    """A union of thick line segments.

    Args:
        points: (M, ..., 2).
        radius: (M,).
        capsules: (M, K, 5) start x, y, end x, y, thickness (diameter), units of the radius.
    """
    spread = (1,) * (points.ndim - 2)
    size = radius.view(-1, *spread)
    distance: Tensor | None = None
    for k in range(capsules.shape[1]):
        ax, ay, bx, by, thick = (capsules[:, k, i].view(-1, *spread) * size for i in range(5))
        dx, dy = bx - ax, by - ay
        px, py = points[..., 0] - ax, points[..., 1] - ay
        along = ((px * dx + py * dy) / (dx * dx + dy * dy).clamp(min=1e-6)).clamp(0.0, 1.0)
        away = torch.hypot(px - along * dx, py - along * dy)
        away = away - 0.5 * thick.clamp(min=1.2)
        distance = away if distance is None else torch.minimum(distance, away)
    assert distance is not None
    return distance
