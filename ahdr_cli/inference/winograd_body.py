"""The layers of AHDRNet up to the features that radiance is made of, ready for use.

They are those of :meth:`AHDRNet._body`, with three liberties. Nothing is concatenated: features of
the frames lie beside each other, and so do those that dense layers add. The fold of all blocks'
outputs is summed up as the blocks finish. Where a convolution takes a frame's features before the
reference's, its weights change places instead of the features.

:mod:`ahdr_cli.inference.winograd_column` applies them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.winograd import WinogradConvolution
from ahdr_cli.inference.winograd_blocks import Step, block_steps
from ahdr_cli.inference.winograd_folds import BlockEnd, block_ends
from ahdr_cli.inference.winograd_support import CHANNELS
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.constants import LEAKY_SLOPE

__all__ = ["Attention", "Block", "WinogradBody"]


class Attention(NamedTuple):
    """What the features of an outer frame are compared with the reference's by.

    Attributes:
        compare: convolution of the groups `pair`.
        gate: of what that makes.
        pair: groups of the frames' features.
        outer: those that the mask is for.
    """

    compare: WinogradConvolution
    gate: WinogradConvolution
    pair: slice
    outer: slice


class Block(NamedTuple):
    """A block of the network.

    Attributes:
        steps: its 3×3 convolutions.
        end: what follows them.
        groups: that it collects, its input among them.
    """

    steps: list[Step]
    end: BlockEnd
    groups: int

    @property
    def radius(self) -> int:
        """How far its convolutions see, one after the other."""
        return sum(step.convolution.dilation for step in self.steps)


class WinogradBody:
    """The layers.

    Args:
        config: for which :func:`ahdr_cli.inference.winograd_support.has_winograd_body` holds.
        weights: parameters of the network, by name.

    Attributes:
        groups: of the features of one frame.
        radius: in pixels, from the last features to the first.
    """

    def __init__(self, config: AHDRConfig, weights: Mapping[str, FloatArray]) -> None:
        self._weights = weights
        self.groups = groups = config.features // CHANNELS
        self.encode = self._conv("encode", slope=LEAKY_SLOPE)
        first, last = slice(0, groups), slice(2 * groups, 3 * groups)
        sides = (
            ("attention_short", False, slice(0, 2 * groups), first),
            ("attention_long", True, slice(groups, 3 * groups), last),
        )
        self.attention = [
            Attention(
                compare=self._conv(f"{side}.compare", slope=LEAKY_SLOPE, swap=swap),
                gate=self._conv(f"{side}.gate"),
                pair=pair,
                outer=outer,
            )
            for side, swap, pair, outer in sides
            if config.attention
        ]
        self.merge = self._conv("merge")
        self.blocks = [
            Block(steps, end, max(step.target.stop for step in steps))
            for steps, end in zip(
                (block_steps(config, weights, f"blocks.{i}") for i in range(config.num_blocks)),
                block_ends(config, weights),
                strict=True,
            )
        ]
        self.spread, self.refine = self._conv("spread"), self._conv("refine")
        chain = [*self.attention[0][:2]] if self.attention else []
        chain += [self.merge, self.spread, self.refine]
        self.radius = sum(layer.dilation for layer in chain)
        self.radius += sum(block.radius for block in self.blocks)

    def _conv(self, name: str, *, slope: float = 1.0, swap: bool = False) -> WinogradConvolution:
        weight = self._weights[f"{name}.weight"]
        if swap:
            weight = np.roll(weight, weight.shape[1] // 2, axis=1)
        return WinogradConvolution(weight, self._weights[f"{name}.bias"], slopes=slope)
