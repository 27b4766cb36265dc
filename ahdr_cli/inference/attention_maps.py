"""The network's attention, as numbers: how far it trusts each outer frame, where.

Attention is computed without the rest of the network, whose reach does not matter then: three
3×3 convolutions look 3 pixels far, so strips of rows with 3 more on either side give what the
whole image would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ahdr_cli.bracket import Bracket
from ahdr_cli.errors import ModelError, UsageError
from ahdr_cli.images import FloatArray
from ahdr_cli.networks.ahdrnet import AHDRNet, AttentionMaps
from ahdr_cli.networks.input import to_network_input

__all__ = ["AttentionSummary", "has_attention", "liveliest_channels", "summarise_attention"]

HALO = 3
"""Rows beyond a strip that its attention depends on: encoder, comparison, gate."""

_STRIP_PIXELS = 200_000
"""Pixels computed at once: about half a gigabyte of features for 64 channels."""

_PROBE_SIDE = 384
"""Longest side of the reduced picture by which channels are chosen."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AttentionSummary:
    """Attention of the short and of the long frame, in (0, 1), 1 = trusted.

    Attributes:
        short, long: (H, W) float32, mean over all channels.
        channels: numbers of the selected channels.
        short_channels, long_channels: (len(channels), H, W) float32.
    """

    short: FloatArray
    long: FloatArray
    channels: tuple[int, ...]
    short_channels: FloatArray
    long_channels: FloatArray


def has_attention(net: nn.Module) -> bool:
    """Whether `net` is a network with attention maps to show."""
    return isinstance(net, AHDRNet) and net.config.attention


def summarise_attention(
    net: nn.Module,
    bracket: Bracket,
    *,
    channels: Sequence[int] = (),
    on_strip: Callable[[int, int], None] | None = None,
) -> AttentionSummary:
    """Attention maps of a bracket, in the reference's geometry.

    Args:
        net: an AHDRNet with attention, in evaluation mode; computes where its weights are.
        bracket: the frames.
        channels: also returned one by one.
        on_strip: called with strips done and their total.

    Raises:
        ModelError: the network has no attention.
        UsageError: no such channel.
    """
    if not (isinstance(net, AHDRNet) and net.config.attention):
        raise ModelError(
            "this network has no attention",
            hint="choose a variant with it: ahdrnet or a-rdb-net",
        )
    features = net.config.features
    for channel in channels:
        if not 0 <= channel < features:
            raise UsageError(
                f"no channel {channel}: this network has {features}", hint="count from 0"
            )
    height, width = bracket.size
    picked = list(channels)
    means = np.empty((2, height, width), np.float32)
    selected = np.empty((2, len(picked), height, width), np.float32)
    rows = max(HALO, _STRIP_PIXELS // width)
    starts = range(0, height, rows)
    for number, top in enumerate(starts):
        bottom = min(top + rows, height)
        above, below = max(0, top - HALO), min(height, bottom + HALO)
        maps = _attention(net, bracket, slice(above, below))
        for side, attention in enumerate((maps.short, maps.long)):
            inner = attention[0, :, top - above : bottom - above]
            means[side, top:bottom] = inner.mean(dim=0).float().cpu().numpy()
            selected[side, :, top:bottom] = inner[picked].float().cpu().numpy()
        if on_strip is not None:
            on_strip(number + 1, len(starts))
    return AttentionSummary(
        short=means[0],
        long=means[1],
        channels=tuple(picked),
        short_channels=selected[0],
        long_channels=selected[1],
    )


def liveliest_channels(net: nn.Module, bracket: Bracket, *, count: int = 4) -> tuple[int, ...]:
    """The channels whose attention varies most over the picture, in ascending order.

    Judged on every n-th pixel, so that large pictures cost no more than small ones.

    Raises:
        ModelError: the network has no attention.
    """
    step = max(1, max(bracket.size) // _PROBE_SIDE)
    if not (isinstance(net, AHDRNet) and net.config.attention):
        raise ModelError("this network has no attention")
    maps = _attention(net, bracket, slice(None), step=step)
    spread = maps.short[0].flatten(1).var(dim=1) + maps.long[0].flatten(1).var(dim=1)
    best = spread.topk(min(count, len(spread))).indices.tolist()
    return tuple(sorted(best))


@torch.inference_mode()
def _attention(net: AHDRNet, bracket: Bracket, rows: slice, *, step: int = 1) -> AttentionMaps:
    device = next(net.parameters()).device
    frames = np.stack([frame.pixels[rows][::step, ::step] for frame in bracket.frames])
    ldr = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)[None].to(device)
    ratios = torch.from_numpy(bracket.ratios).float()[None].to(device)
    return net.attention_maps(to_network_input(ldr, ratios))
