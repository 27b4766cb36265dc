"""The body of AHDRNet in 8 bits, as nodes of an ONNX graph.

It computes what the body in :mod:`ahdr_cli.inference.onnx_ahdrnet` computes. The encoder before it
and the layers after it, which make radiance, stay in float32; so do the sums of the blocks, which
would otherwise be rounded again and again.
"""

from __future__ import annotations

from typing import NamedTuple

from ahdr_cli.inference.onnx_quantised import Quantised, QuantisedWriter
from ahdr_cli.inference.onnx_writer import Value
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.constants import LEAKY_SLOPE

__all__ = ["Features", "write_int8_body"]


class Features(NamedTuple):
    """The encoder's output for each frame, (1, features, h, w) float32."""

    short: Value
    reference: Value
    long: Value


def write_int8_body(graph: QuantisedWriter, config: AHDRConfig, frames: Features) -> Value:
    """The features of all frames → those of the merged image, float32."""
    short, reference, long = (
        graph.quantise(f"encode.{name}", x)
        for name, x in zip(Features._fields, frames, strict=True)
    )
    if config.attention:
        short = _attend(graph, "attention_short", frames.short, short, reference)
        long = _attend(graph, "attention_long", frames.long, long, reference)
    x = graph.convolve_quantised("merge", graph.join(short, reference, long))
    exact = graph.dequantise(x)
    outputs = []
    for i in range(config.num_blocks):
        change = _block(graph, config, f"blocks.{i}", x)
        exact = graph.node("Add", graph.dequantise(change), exact)
        x = graph.quantise(f"blocks.{i}", exact)
        outputs.append(x)
    folded = graph.convolve_quantised("fold", graph.join(*outputs))
    return graph.dequantise(graph.convolve_quantised("spread", folded))


def _attend(
    graph: QuantisedWriter, name: str, exact: Value, outer: Quantised, reference: Quantised
) -> Quantised:
    compared = graph.convolve_quantised(f"{name}.compare", graph.join(outer, reference))
    rectified = graph.node("LeakyRelu", graph.dequantise(compared), alpha=LEAKY_SLOPE)
    compared = graph.quantise(f"{name}.compare", rectified)
    gate = graph.dequantise(graph.convolve_quantised(f"{name}.gate", compared))
    return graph.quantise(name, graph.node("Mul", exact, graph.node("Sigmoid", gate)))


def _block(graph: QuantisedWriter, config: AHDRConfig, name: str, x: Quantised) -> Quantised:
    """What a block adds to its input."""
    if config.block == "rb":
        y = graph.rectify(graph.convolve_quantised(f"{name}.first", x))
        return graph.convolve_quantised(f"{name}.second", y)
    dilation = 2 if config.block == "drdb" else 1
    for i in range(config.layers):
        y = graph.convolve_quantised(f"{name}.layers.{i}", x, dilation=dilation)
        x = graph.join(x, graph.rectify(y))
    return graph.convolve_quantised(f"{name}.fold", x)
