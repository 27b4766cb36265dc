"""The network's attention as numbers: how far it trusts each outer frame, and where.

Only the layers up to the attention are computed: three 3×3 convolutions, which look 3 pixels far.
So tiles with 3 more pixels on every side give the same as the whole image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ahdr_cli.bracket import Bracket
from ahdr_cli.errors import ModelError, UsageError
from ahdr_cli.images import FloatArray
from ahdr_cli.inference.tile_stream import OnTile
from ahdr_cli.inference.tiling import plan_tiles
from ahdr_cli.networks.ahdrnet import AHDRNet, AttentionMaps
from ahdr_cli.networks.input import to_network_input

__all__ = ["AttentionSummary", "has_attention", "liveliest_channels", "summarise_attention"]

HALO = 3
"""Pixels beyond a tile that its attention depends on: encoder, comparison, gate."""

TILE = 384
"""Side of the tiles: about half a gigabyte of features for 64 channels."""

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
    on_tile: OnTile | None = None,
) -> AttentionSummary:
    """Attention maps of a bracket, in the reference's geometry.

    Args:
        net: an AHDRNet with attention, in evaluation mode; computes where its weights are.
        bracket: the frames.
        channels: also returned one by one.
        on_tile: called with tiles done and their total.

    Raises:
        ModelError: the network has no attention.
        UsageError: no such channel.
    """
    network = _with_attention(net)
    features = network.config.features
    for channel in channels:
        if not 0 <= channel < features:
            raise UsageError(
                f"no channel {channel}: this network has {features}", hint="count from 0"
            )
    height, width = bracket.size
    picked = list(channels)
    means = np.empty((2, height, width), np.float32)
    selected = np.empty((2, len(picked), height, width), np.float32)
    tiles = plan_tiles(bracket.size, halo=HALO, inner=TILE)
    for number, tile in enumerate(tiles):
        maps = _attention(network, bracket, tile.outer.slices)
        rows, columns = tile.inner.within(tile.outer).slices
        for side, attention in enumerate((maps.short, maps.long)):
            inner = attention[0, :, rows, columns]
            means[(side, *tile.inner.slices)] = inner.mean(dim=0).float().cpu().numpy()
            selected[(side, slice(None), *tile.inner.slices)] = inner[picked].float().cpu().numpy()
        if on_tile is not None:
            on_tile(number + 1, len(tiles))
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
    network = _with_attention(net)
    step = max(1, max(bracket.size) // _PROBE_SIDE)
    every = slice(None, None, step)
    maps = _attention(network, bracket, (every, every))
    spread = maps.short[0].flatten(1).var(dim=1) + maps.long[0].flatten(1).var(dim=1)
    best = spread.topk(min(count, len(spread))).indices.tolist()
    return tuple(sorted(best))


def _with_attention(net: nn.Module) -> AHDRNet:
    if isinstance(net, AHDRNet) and net.config.attention:
        return net
    raise ModelError(
        "this network has no attention", hint="choose a variant that has it: ahdrnet or a-rdb-net"
    )


@torch.inference_mode()
def _attention(net: AHDRNet, bracket: Bracket, where: tuple[slice, slice]) -> AttentionMaps:
    device = next(net.parameters()).device
    frames = np.stack([frame.pixels[where] for frame in bracket.frames])
    ldr = torch.from_numpy(frames).permute(0, 3, 1, 2)[None].to(device)
    ratios = torch.from_numpy(bracket.ratios).float()[None].to(device)
    return net.attention_maps(to_network_input(ldr, ratios))
