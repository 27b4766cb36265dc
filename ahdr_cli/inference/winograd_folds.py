"""What AHDRNet's blocks end with: 1×1 convolutions, as matrix products over channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.winograd_support import CHANNELS
from ahdr_cli.networks.config import AHDRConfig

__all__ = ["BlockEnd", "block_ends"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockEnd:
    """The end of a block: its output goes to the next one, and a share of it to a sum.

    Nobody needs the last block's output but the sum, whose share of it is made at once.

    Attributes:
        output: (channels, features) matrix and (features,) bias: the block's fold with what is
            added of its input; None for the last block.
        share: (features, features) of the output, or (channels, features) of what was collected.
        begin: (features,) that the sum begins with; None if it has begun.
    """

    output: tuple[FloatArray, FloatArray] | None
    share: FloatArray
    begin: FloatArray | None

    def __call__(
        self, scratch: FloatArray, collected: FloatArray, total: FloatArray, *following: FloatArray
    ) -> None:
        """Compute a few pixels.

        Args:
            scratch: flat, for all channels and twice the features.
            collected: (groups, rows, width, `CHANNELS`), the block's input first.
            total: (features / `CHANNELS`, rows, width, `CHANNELS`), the sum.
            following: the input of the next block, alike, overwritten; none after the last block.
        """
        groups, rows, width, _ = collected.shape
        count, features = rows * width, self.share.shape[1]
        pixels, merged, given = np.split(
            scratch[: count * (groups * CHANNELS + 2 * features)],
            [count * groups * CHANNELS, count * (groups * CHANNELS + features)],
        )
        by_group = pixels.reshape(rows, width, groups, CHANNELS)
        np.copyto(by_group, collected.transpose(1, 2, 0, 3))
        source = pixels.reshape(count, -1)
        if self.output is not None:
            matrix, bias = self.output
            source = np.matmul(source, matrix, out=merged.reshape(count, features))
            source += bias
            (output,) = following
            output[...] = _grouped(source, rows)
        share = np.matmul(source, self.share, out=given.reshape(count, features))
        if self.begin is None:
            total += _grouped(share, rows)
        else:
            np.add(_grouped(share, rows), self.begin.reshape(-1, 1, 1, CHANNELS), out=total)


def block_ends(config: AHDRConfig, weights: Mapping[str, FloatArray]) -> list[BlockEnd]:
    """The ends of all blocks.

    Args:
        config: of the network.
        weights: parameters of the network, by name.
    """
    last = config.num_blocks - 1
    shares = np.split(weights["fold.weight"][:, :, 0, 0].T, config.num_blocks)
    outputs = [_output(config, weights, f"blocks.{i}") for i in range(config.num_blocks)]
    matrix, bias = outputs[last]
    begin = (weights["fold.bias"] + bias @ shares[last]).astype(np.float32)
    return [
        BlockEnd(
            output=None if i == last else outputs[i],
            share=np.ascontiguousarray(
                matrix.astype(np.float64) @ shares[last] if i == last else shares[i], np.float32
            ),
            begin=begin if i == 0 else None,
        )
        for i in range(config.num_blocks)
    ]


def _output(
    config: AHDRConfig, weights: Mapping[str, FloatArray], name: str
) -> tuple[FloatArray, FloatArray]:
    """What a block's output is of the channels collected, its input among them."""
    identity = np.eye(config.features, dtype=np.float32)
    if config.block == "rb":
        between = np.zeros_like(identity)
        return np.concatenate([identity, between, identity]), np.zeros(config.features, np.float32)
    matrix = weights[f"{name}.fold.weight"][:, :, 0, 0].T.copy()
    matrix[: config.features] += identity
    return matrix, weights[f"{name}.fold.bias"]


def _grouped(pixels: FloatArray, rows: int) -> FloatArray:
    """(rows · width, channels) → (groups, rows, width, `CHANNELS`), a view."""
    groups = pixels.shape[1] // CHANNELS
    return pixels.reshape(rows, -1, groups, CHANNELS).transpose(2, 0, 1, 3)
