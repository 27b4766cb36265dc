"""AHDRNet as an ONNX graph; it follows :meth:`AHDRNet.forward` line by line.

The one liberty: a convolution of concatenated parts is the sum of the parts' convolutions.
Dense layers collect their inputs in groups of two layers, each group concatenated and the
groups summed, and the fold after the blocks is summed as the blocks finish. Against plain
concatenation that takes a third less memory and 2 % less time in ONNX Runtime; sums without
any concatenation take 3 to 5 % more time (``benchmarks/cpu_network.md``).

Values that int8 would store are named as :func:`ahdr_cli.networks.activations.activations` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from onnx import ModelProto

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.onnx_blend import (
    write_blend,
    write_ldr,
    write_radiance,
    write_result,
)
from ahdr_cli.inference.onnx_explicit import Lifted, write_explicit
from ahdr_cli.inference.onnx_int8 import Features, write_int8_body
from ahdr_cli.inference.onnx_quantised import QuantisedWriter
from ahdr_cli.inference.onnx_shrinkage import write_shrinkage
from ahdr_cli.inference.onnx_writer import GraphWriter, Value
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.constants import LEAKY_SLOPE, MU

__all__ = ["build_ahdrnet", "build_decision"]

GROUP_LAYERS = 2
"""Dense layers whose outputs are concatenated before a new group begins; with 3 it is as fast and
needs 4 to 16 % more memory."""


def build_ahdrnet(
    config: AHDRConfig, weights: Mapping[str, FloatArray], *, bounds: Mapping[str, float] | None
) -> ModelProto:
    """The network as an ONNX model.

    Args:
        config: of the network.
        weights: all parameters, by the names that :class:`AHDRNet` gives them.
        bounds: of the activations, for a body in 8 bits; None, all is in float32.
    """
    graph = GraphWriter(weights) if bounds is None else QuantisedWriter(weights, bounds)
    frames = _frames(graph)
    features = _encode(graph, frames)
    if isinstance(graph, QuantisedWriter):
        x = write_int8_body(graph, config, features)
    else:
        x = _body(graph, config, features)
    x = graph.conv("refine", graph.node("Add", x, features.reference))
    _decide(graph, config, x, frames)
    return graph.model(name="ahdrnet")


def build_decision(
    config: AHDRConfig, weights: Mapping[str, FloatArray], *, group: int
) -> ModelProto:
    """What follows the last features alone.

    Args:
        config: of the network.
        weights: as for :func:`build_ahdrnet`.
        group: channels of a group.

    Returns:
        A graph with a further input ``features``, maps (features / group, h, w, group).
    """
    graph = GraphWriter(weights)
    planes = graph.node("Transpose", Value("features"), perm=[0, 3, 1, 2])
    x = graph.node("Reshape", planes, graph.integers(1, config.features, 0, 0))
    _decide(graph, config, x._replace(channels=config.features), _frames(graph))
    maps = (config.features // group, "h", "w", group)
    return graph.model(name="decision", further={"features": maps})


class _Frames(NamedTuple):
    """All frames, (1, 9, h, w): as they are given, and in radiance."""

    ldr: Value
    radiance: Value


def _frames(graph: GraphWriter) -> _Frames:
    ldr = write_ldr(graph)
    return _Frames(ldr=ldr, radiance=write_radiance(graph, ldr))


def _decide(graph: GraphWriter, config: AHDRConfig, x: Value, frames: _Frames) -> None:
    """The last features → the graph's output."""
    own = graph.node("Sigmoid", graph.conv("output", x))
    if config.output == "radiance":
        write_result(graph, own)
        return
    trust = graph.conv("trust", x)
    units = Lifted(frames.radiance)
    explicit = write_explicit(graph, frames.ldr, units)
    merged = write_blend(graph, explicit=explicit, own=own, trust=trust)
    lifted = graph.node("Mul", merged.radiance, graph.number(MU))
    mapped = graph.node("Log", graph.node("Add", lifted, graph.number(1.0)))
    write_result(graph, write_shrinkage(graph, mapped, merged, units))


def _encode(graph: GraphWriter, frames: _Frames) -> Features:
    """The features of each frame."""
    # Frames along the first axis, which the encoder has them share.
    apart = graph.integers(3, 3, 0, 0)
    both = graph.concat(*(graph.node("Reshape", x, apart)._replace(channels=3) for x in frames))
    return Features._make(
        graph.named(f"encode.{name}", _leaky_relu(graph, graph.conv("encode", x)))
        for name, x in zip(Features._fields, graph.slices(both, 3), strict=True)
    )


def _body(graph: GraphWriter, config: AHDRConfig, frames: Features) -> Value:
    """The features of all frames → those of the merged image."""
    short, reference, long = frames
    if config.attention:
        short = _attend(graph, "attention_short", short, reference)
        long = _attend(graph, "attention_long", long, reference)
    x = graph.named("merge", graph.conv("merge", graph.concat(short, reference, long)))
    folded: Value | None = None
    for i in range(config.num_blocks):
        x = _block(graph, config, f"blocks.{i}", x)
        share = graph.conv_share("fold", x, start=i * x.channels)
        folded = graph.node("Add", folded, share) if folded else share
    assert folded is not None  # a network has blocks
    return graph.named("spread", graph.conv("spread", graph.named("fold", folded)))


def _attend(graph: GraphWriter, name: str, outer: Value, reference: Value) -> Value:
    compared = _leaky_relu(graph, graph.conv(f"{name}.compare", graph.concat(outer, reference)))
    compared = graph.named(f"{name}.compare", compared)
    gate = graph.named(f"{name}.gate", graph.conv(f"{name}.gate", compared))
    return graph.named(name, graph.node("Mul", outer, graph.node("Sigmoid", gate)))


def _block(graph: GraphWriter, config: AHDRConfig, name: str, x: Value) -> Value:
    if config.block == "rb":
        y = graph.named(f"{name}.first", graph.relu(graph.conv(f"{name}.first", x)))
        y = graph.named(f"{name}.second", graph.conv(f"{name}.second", y))
        return graph.named(name, graph.node("Add", y, x))
    dilation = 2 if config.block == "drdb" else 1
    groups = [x]
    for i in range(config.layers):
        layer = f"{name}.layers.{i}"
        y = graph.named(layer, graph.relu(graph.conv(layer, *groups, dilation=dilation)))
        if i > 0 and i % GROUP_LAYERS == 0:
            groups.append(y)
        else:
            groups[-1] = graph.concat(groups[-1], y)
    folded = graph.named(f"{name}.fold", graph.conv(f"{name}.fold", *groups))
    return graph.named(name, graph.node("Add", folded, x))


def _leaky_relu(graph: GraphWriter, x: Value) -> Value:
    return graph.node("LeakyRelu", x, alpha=LEAKY_SLOPE)
