"""The network's input and the merge as nodes of an ONNX graph.

They compute what :mod:`ahdr_cli.networks.input` and :mod:`ahdr_cli.networks.blend` compute, in as
few passes over memory as ONNX Runtime allows. The three frames' channels lie along the second axis:
nine of them, short, reference, long.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ahdr_cli.inference.onnx_explicit import ExplicitNodes
from ahdr_cli.inference.onnx_writer import GraphWriter, Value
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["BlendNodes", "write_blend", "write_ldr", "write_radiance", "write_result"]


def write_ldr(graph: GraphWriter) -> Value:
    """The frames as they are given, (1, 9, h, w)."""
    planes = graph.node("Transpose", Value("frames", 3), perm=[0, 3, 1, 2])
    # The reshape also keeps ONNX Runtime from moving the transposition to later, dearer places.
    return graph.node("Reshape", planes, graph.integers(1, 9, 0, 0))._replace(channels=9)


def write_radiance(graph: GraphWriter, ldr: Value, *, white: float = 1.0) -> Value:
    """(1, 9, h, w) → the same in radiance, of which the short frame's white is `white`."""
    # ONNX Runtime has vector code for logarithm and exponential, but none for a power.
    exponent = graph.node("Mul", graph.node("Log", ldr), graph.number(GAMMA))
    ratios = graph.node("Gather", Value("conditions"), graph.integers(0, 1, 2), axis=0)
    ratios = graph.node("Reshape", ratios, graph.integers(3, 1))
    scale = graph.node("Div", graph.constant(np.full((3, 3), white, np.float32)), ratios)
    per_channel = graph.node("Reshape", scale, graph.integers(1, 9, 1, 1))
    return graph.node("Mul", graph.node("Exp", exponent), per_channel)


class BlendNodes(NamedTuple):
    """A weighted mean.

    Attributes:
        radiance: (1, 3, h, w).
        variance: (1, 1, h, w), of the mean by the frames' noise, in squared units of the radiance.
    """

    radiance: Value
    variance: Value


def write_blend(
    graph: GraphWriter, *, explicit: ExplicitNodes, own: Value, trust: Value
) -> BlendNodes:
    """The weighted mean of the frames and of the network's own picture.

    Args:
        graph: to write into.
        explicit: the frames, and weights, which are multiplied with the learnt ones.
        own: (1, 3, h, w), in the units of the frames' radiance.
        trust: (1, 4, h, w) learnt logits, of the frames and of the network's own picture.
    """
    trust = graph.node("Mul", trust, explicit.unsettled)
    # No exponential is above 1, and one is 1.
    highest = graph.node("ReduceMax", trust, axes=[1])
    learnt = graph.node("Exp", graph.node("Sub", trust, highest))._replace(channels=4)
    weights = graph.concat(explicit.weights, explicit.own._replace(channels=1))
    weights = graph.node("Mul", weights, learnt)._replace(channels=4)
    total = graph.node("ReduceSum", weights, graph.integers(1))
    weights = graph.node("Div", weights, total)
    pictures = [*explicit.radiance, own]
    shares = [
        graph.node("Mul", picture, weight)
        for picture, weight in zip(pictures, graph.split(weights, 1, 1, 1, 1), strict=True)
    ]
    of_frames, _ = graph.split(weights, 3, 1)
    squared = graph.node("Mul", of_frames, of_frames)
    left = graph.node("ReduceSum", graph.node("Mul", squared, explicit.variance), graph.integers(1))
    return BlendNodes(radiance=graph.node("Sum", *shares), variance=left._replace(channels=1))


def write_result(graph: GraphWriter, radiance: Value) -> None:
    """(1, 3, h, w) → the graph's output."""
    x = graph.node("Transpose", radiance, perm=[0, 2, 3, 1])
    graph.node("Squeeze", x, graph.integers(0), result="radiance")
