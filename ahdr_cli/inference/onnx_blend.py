"""The network's input and the explicit merge as nodes of an ONNX graph.

They follow :mod:`ahdr_cli.networks.input` and :mod:`ahdr_cli.networks.blend`; the three frames
lie along the first axis.
"""

from __future__ import annotations

import numpy as np

from ahdr_cli.inference.onnx_writer import GraphWriter, Value
from ahdr_cli.networks.blend import LEAST, ROLL_OFF, VALID_UNTIL
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["write_blend", "write_choice", "write_exposure_logits", "write_input", "write_result"]


def write_input(graph: GraphWriter) -> tuple[Value, Value]:
    """LDR and radiance, each (3, 3, h, w): frames, channels, rows, columns."""
    ldr = graph.node("Transpose", Value("frames", 3), perm=[0, 3, 1, 2])
    linear = graph.node("Pow", ldr, graph.number(GAMMA))
    per_frame = graph.node("Reshape", Value("ratios"), graph.axes(3, 1, 1, 1))
    return ldr, graph.node("Div", linear, per_frame)


def write_exposure_logits(graph: GraphWriter, ldr: Value) -> Value:
    """(3, 3, h, w) → (3, 1, h, w)."""
    brightness = graph.node("ReduceMean", ldr, axes=[1])
    brightest = graph.node("ReduceMax", ldr, axes=[1])
    headroom = graph.node(
        "Div", graph.node("Sub", graph.number(VALID_UNTIL), brightest), graph.number(ROLL_OFF)
    )
    valid = graph.clip(headroom)
    # The short frame is valid everywhere.
    short = graph.constant(np.array([1, 0, 0], np.float32).reshape(3, 1, 1, 1))
    valid = graph.node("Max", valid, short)
    weight = graph.node("Mul", graph.node("Mul", brightness, brightness), valid)
    return graph.node("Log", graph.node("Add", weight, graph.number(LEAST)))


def write_choice(graph: GraphWriter, exposure: Value, trust: Value) -> Value:
    """(3, 1, h, w) of the frames, and what was learnt, (1, 4, h, w) → logits (4, 1, h, w)."""
    # Channels → entries of the first axis, as the candidates have it.
    trust = graph.node("Transpose", trust, perm=[1, 0, 2, 3])
    one_more = graph.axes(0, 0, 0, 0, 1, 0, 0, 0)  # a zero at the end of the first axis
    return graph.node("Add", trust, graph.node("Pad", exposure, one_more))


def write_blend(graph: GraphWriter, candidates: Value, logits: Value) -> Value:
    """(n, 3, h, w) and (n, 1, h, w) → (1, 3, h, w)."""
    shifted = graph.node("Sub", logits, graph.node("ReduceMax", logits, axes=[0]))
    weights = graph.node("Exp", shifted)
    axis = graph.axes(0)
    total = graph.node("ReduceSum", graph.node("Mul", weights, candidates), axis)
    return graph.node("Div", total, graph.node("ReduceSum", weights, axis))


def write_result(graph: GraphWriter, radiance: Value) -> None:
    """(1, 3, h, w) → the graph's output."""
    x = graph.node("Transpose", radiance, perm=[0, 2, 3, 1])
    graph.node("Squeeze", x, graph.axes(0), result="radiance")
