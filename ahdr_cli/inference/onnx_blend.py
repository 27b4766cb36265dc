"""The network's input and the explicit merge as nodes of an ONNX graph.

They follow :mod:`ahdr_cli.networks.input` and :mod:`ahdr_cli.networks.blend`; the three frames
lie along the first axis.
"""

from __future__ import annotations

import numpy as np

from ahdr_cli.inference.onnx_writer import GraphWriter, Value
from ahdr_cli.networks.constants import DEFICIT, DISBELIEF, LEAST, ROLL_OFF, WHITE
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["write_blend", "write_choice", "write_exposure_logits", "write_input", "write_result"]


def write_input(graph: GraphWriter) -> tuple[Value, Value]:
    """LDR and radiance, each (3, 3, h, w): frames, channels, rows, columns."""
    ldr = graph.node("Transpose", Value("frames", 3), perm=[0, 3, 1, 2])
    linear = graph.node("Pow", ldr, graph.number(GAMMA))
    per_frame = graph.node("Reshape", Value("ratios"), graph.axes(3, 1, 1, 1))
    return ldr, graph.node("Div", linear, per_frame)


def write_exposure_logits(graph: GraphWriter, ldr: Value, radiance: Value) -> Value:
    """Twice (3, 3, h, w) → (3, 1, h, w)."""
    brightness = graph.node("ReduceMean", ldr, axes=[1])
    power = graph.node("Mul", brightness, brightness)
    weight = graph.node("Log", graph.node("Add", power, graph.number(LEAST)))
    contradicted = _write_contradiction(graph, ldr, radiance)
    # The short frame is doubted where contradicted, the long one where clipped, and the
    # reference where clipped and not contradicted.
    short, _, long = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1, 1)
    counts = graph.node(
        "Sub",
        graph.constant(1 - short),
        graph.node("Mul", contradicted, graph.constant(1 - short - long)),
    )
    doubt = graph.node("Mul", _write_clipped(graph, ldr), counts)
    doubt = graph.node("Add", doubt, graph.node("Mul", contradicted, graph.constant(short)))
    return graph.node("Sub", weight, graph.node("Mul", doubt, graph.number(DISBELIEF)))


def _write_clipped(graph: GraphWriter, ldr: Value) -> Value:
    """(3, 3, h, w) → (3, 1, h, w), 0 to 1."""
    brightest = graph.node("ReduceMax", ldr, axes=[1])
    clipped = _ramp(graph, brightest, (1.0 - ROLL_OFF, 1.0))
    return graph.node("Mul", clipped, clipped)


def _write_contradiction(graph: GraphWriter, ldr: Value, radiance: Value) -> Value:
    """Twice (3, 3, h, w) → (1, 1, h, w), 0 to 1."""
    short, reference = graph.slices(radiance, 2)
    white = _ramp(graph, graph.node("Gather", ldr, graph.axes(1), axis=0), WHITE)
    lack = graph.node("Sub", reference, short)
    share = graph.node("Div", lack, graph.node("Add", reference, graph.number(1e-6)))
    worst = graph.node("ReduceMax", graph.node("Mul", share, white), axes=[1])
    return _ramp(graph, worst, DEFICIT)


def _ramp(graph: GraphWriter, x: Value, ends: tuple[float, float]) -> Value:
    """0 at one end, 1 at the other, linear between them and constant beyond."""
    start, end = ends
    shifted = graph.node("Sub", x, graph.number(start))
    return graph.clip(graph.node("Mul", shifted, graph.number(1.0 / (end - start))))


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
