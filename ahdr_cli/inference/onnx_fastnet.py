"""FastNet as an ONNX graph; it follows :meth:`FastNet.forward` line by line.

Height and width must be multiples of its stride: whoever runs the graph appends the zeros.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.onnx_blend import (
    write_blend,
    write_choice,
    write_exposure_logits,
    write_input,
    write_result,
)
from ahdr_cli.inference.onnx_writer import GraphWriter, Value
from ahdr_cli.networks.config import FastConfig
from ahdr_cli.networks.constants import DEAD_ZONE, MU

__all__ = ["build_fastnet"]


def build_fastnet(config: FastConfig, weights: Mapping[str, FloatArray]) -> ModelProto:
    """The network as an ONNX model.

    Args:
        config: of the network.
        weights: all parameters, by the names that :class:`FastNet` gives them.
    """
    graph = GraphWriter(weights)
    ldr, radiance = write_input(graph)
    seen = graph.concat(ldr, _compress(graph, radiance))
    seen = graph.node("Reshape", seen, graph.axes(1, 18, 0, 0))._replace(channels=18)

    half = graph.relu(_conv_unshuffled(graph, "encode", seen))
    x = graph.relu(_conv_unshuffled(graph, "down", half))
    for i, dilation in enumerate(config.dilations):
        x = _block(graph, f"blocks.{i}", x, dilation=dilation)
    x = _shuffle(graph, graph.relu(graph.conv("up", x)))
    x = graph.relu(graph.conv("fuse", graph.concat(half, x)))
    x = _shuffle(graph, graph.relu(graph.conv("spread", x)))
    x = graph.relu(graph.conv("refine", graph.concat(seen, x)))
    trust, own, correction = graph.split(graph.conv("output", x), 4, 3, 3)

    own = _expand(graph, graph.clip(own))
    logits = write_choice(graph, write_exposure_logits(graph, ldr, radiance), trust)
    merged = write_blend(graph, graph.concat(radiance, own, axis=0), logits)
    correction = graph.node("Shrink", correction, lambd=DEAD_ZONE, bias=DEAD_ZONE)
    corrected = graph.node("Add", _compress(graph, merged), correction)
    write_result(graph, _expand(graph, graph.clip(corrected)))
    return graph.model(name="fastnet")


def _conv_unshuffled(graph: GraphWriter, name: str, x: Value) -> Value:
    """The convolution `name` of what `pixel_unshuffle` makes of `x`.

    ONNX puts the four pixels of a cell outermost, torch the channels.
    """
    cells = graph.node("SpaceToDepth", x, blocksize=2)._replace(channels=4 * x.channels)
    order: NDArray[np.intp] = np.arange(4 * x.channels).reshape(x.channels, 4).T.ravel()
    return graph.conv(name, cells, order=order)


def _shuffle(graph: GraphWriter, x: Value) -> Value:
    """`pixel_shuffle` by two."""
    pixels = graph.node("DepthToSpace", x, blocksize=2, mode="CRD")
    return pixels._replace(channels=x.channels // 4)


def _block(graph: GraphWriter, name: str, x: Value, *, dilation: int) -> Value:
    y = graph.relu(graph.conv(f"{name}.first", x))
    return graph.node("Add", graph.conv(f"{name}.second", y, dilation=dilation), x)


def _compress(graph: GraphWriter, linear: Value) -> Value:
    """μ-law; the logarithm of 1 + x is exact enough for x in multiples of 1e-7."""
    scaled = graph.node("Add", graph.node("Mul", linear, graph.number(MU)), graph.number(1.0))
    return graph.node("Mul", graph.node("Log", scaled), graph.number(1.0 / math.log1p(MU)))


def _expand(graph: GraphWriter, mapped: Value) -> Value:
    """Inverse of :func:`_compress`."""
    power = graph.node("Exp", graph.node("Mul", mapped, graph.number(math.log1p(MU))))
    return graph.node("Mul", graph.node("Sub", power, graph.number(1.0)), graph.number(1.0 / MU))
