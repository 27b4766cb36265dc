"""Every convolution of a network, from its configuration alone.

Cost, receptive radius and shapes of the weights follow from this table without building the
network, and so without torch. The modules declare the same convolutions; the tests compare.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ahdr_cli.networks.config import FAST_OUTPUTS, FAST_SEEN, AHDRConfig, AnyConfig, FastConfig

__all__ = ["Convolution", "convolutions", "parameter_shapes"]


class Convolution(NamedTuple):
    """A convolution with a bias, of stride 1, zero-padded to keep the size.

    Attributes:
        name: of its module within the network.
        inputs: channels.
        outputs: channels.
        kernel: taps along a side.
        dilation: distance between taps.
        cell: side in image pixels of one pixel at its resolution.
        uses: how often a merge applies it.
    """

    name: str
    inputs: int
    outputs: int
    kernel: int = 3
    dilation: int = 1
    cell: int = 1
    uses: int = 1

    @property
    def radius(self) -> int:
        """Distance in pixels of its own resolution from the centre to the outermost tap."""
        return self.dilation * (self.kernel - 1) // 2

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the weights."""
        return self.outputs, self.inputs, self.kernel, self.kernel

    @property
    def weights(self) -> int:
        """Number of weights, without the bias."""
        return self.outputs * self.inputs * self.kernel**2


def convolutions(config: AnyConfig) -> Iterator[Convolution]:
    """All of a network's convolutions, in the order in which its module declares them."""
    return _fastnet(config) if isinstance(config, FastConfig) else _ahdrnet(config)


def parameter_shapes(config: AnyConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name and shape of every parameter, as in the network's state dict."""
    for convolution in convolutions(config):
        yield f"{convolution.name}.weight", convolution.shape
        yield f"{convolution.name}.bias", (convolution.outputs,)


def _ahdrnet(config: AHDRConfig) -> Iterator[Convolution]:
    features = config.features
    yield Convolution("encode", 6, features, uses=3)
    if config.attention:
        for side in ("attention_short", "attention_long"):
            yield Convolution(f"{side}.compare", 2 * features, 2 * features)
            yield Convolution(f"{side}.gate", 2 * features, features)
    yield Convolution("merge", 3 * features, features)
    for i in range(config.num_blocks):
        yield from _ahdrnet_block(config, f"blocks.{i}")
    yield Convolution("fold", config.num_blocks * features, features, kernel=1)
    yield Convolution("spread", features, features)
    yield Convolution("refine", features, features)
    yield Convolution("output", features, 3)
    if config.output == "blend":
        yield Convolution("trust", features, 4)


def _ahdrnet_block(config: AHDRConfig, name: str) -> Iterator[Convolution]:
    features, growth = config.features, config.growth
    if config.block == "rb":
        yield Convolution(f"{name}.first", features, features)
        yield Convolution(f"{name}.second", features, features)
        return
    dilation = 2 if config.block == "drdb" else 1
    for i in range(config.layers):
        inputs = features + i * growth
        yield Convolution(f"{name}.layers.{i}", inputs, growth, dilation=dilation)
    yield Convolution(f"{name}.fold", features + config.layers * growth, features, kernel=1)


def _fastnet(config: FastConfig) -> Iterator[Convolution]:
    features, shallow, detail = config.features, config.shallow, config.detail
    yield Convolution("encode", 4 * FAST_SEEN, shallow, cell=2)
    yield Convolution("down", 4 * shallow, features, cell=4)
    for i, dilation in enumerate(config.dilations):
        yield Convolution(f"blocks.{i}.first", features, features, cell=4)
        yield Convolution(f"blocks.{i}.second", features, features, dilation=dilation, cell=4)
    yield Convolution("up", features, 4 * shallow, kernel=1, cell=4)
    yield Convolution("fuse", 2 * shallow, shallow, cell=2)
    yield Convolution("spread", shallow, 4 * (2 * detail - FAST_SEEN), cell=2)
    yield Convolution("refine", 2 * detail, detail)
    yield Convolution("output", detail, sum(FAST_OUTPUTS))
