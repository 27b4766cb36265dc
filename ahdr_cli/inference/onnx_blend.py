"""The network's input and the explicit merge as nodes of an ONNX graph.

They follow :mod:`ahdr_cli.networks.input` and :mod:`ahdr_cli.networks.blend`; the three frames
lie along the first axis.
"""

from __future__ import annotations

import numpy as np

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.onnx_writer import GraphWriter, Value
from ahdr_cli.networks.blend import DEFICIT, LEAST, NEXT_TO_NOTHING, ROLL_OFF, VALID_UNTIL
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
    headroom = _ramp(
        graph, graph.node("ReduceMax", ldr, axes=[1]), start=VALID_UNTIL, end=VALID_UNTIL - ROLL_OFF
    )
    short, outer = _of_frames([1, 0, 0]), _of_frames([0, 1, 1])
    # The short frame is valid everywhere, but for where the reference contradicts it.
    valid = graph.node("Max", headroom, graph.constant(short))
    contradicted = _write_contradiction(graph, ldr, radiance)
    believed = graph.node("Sub", graph.number(1.0), contradicted)
    valid = graph.node("Mul", valid, graph.node("Max", believed, graph.constant(outer)))
    floor = graph.node("Mul", headroom, graph.constant(LEAST * outer))
    floor = graph.node("Add", floor, graph.constant(LEAST * short + NEXT_TO_NOTHING * outer))
    extra = graph.node("Mul", contradicted, graph.constant(LEAST * _of_frames([0, 1, 0])))
    weight = graph.node("Mul", graph.node("Mul", brightness, brightness), valid)
    weight = graph.node("Add", weight, graph.node("Add", floor, extra))
    return graph.node("Log", weight)


def _write_contradiction(graph: GraphWriter, ldr: Value, radiance: Value) -> Value:
    """Twice (3, 3, h, w) → (1, 1, h, w)."""
    short, reference = graph.slices(radiance, 2)
    encoded = graph.node("Gather", ldr, graph.axes(1), axis=0)
    clipped = _ramp(graph, encoded, start=VALID_UNTIL - ROLL_OFF / 4, end=VALID_UNTIL)
    lack = graph.node("Sub", reference, short)
    share = graph.node("Div", lack, graph.node("Add", reference, graph.number(1e-6)))
    deficit = graph.node("ReduceMax", graph.node("Mul", share, clipped), axes=[1])
    return _ramp(graph, deficit, start=DEFICIT[0], end=DEFICIT[1])


def _ramp(graph: GraphWriter, x: Value, *, start: float, end: float) -> Value:
    """0 at `start`, 1 at `end`, linear between them and constant beyond."""
    shifted = graph.node("Sub", x, graph.number(start))
    return graph.clip(graph.node("Mul", shifted, graph.number(1.0 / (end - start))))


def _of_frames(values: list[float]) -> FloatArray:
    """A value for each frame, (3, 1, 1, 1)."""
    return np.array(values, np.float32).reshape(3, 1, 1, 1)


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
