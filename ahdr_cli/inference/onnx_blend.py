"""The network's input and the explicit merge as nodes of an ONNX graph.

They say what :mod:`ahdr_cli.networks.input` and :mod:`ahdr_cli.networks.blend` say, in as few
passes over memory as ONNX Runtime allows. The three frames' channels lie along the second axis:
nine of them, short, reference, long.
"""

from __future__ import annotations

import numpy as np

from ahdr_cli.inference.onnx_writer import GraphWriter, Value
from ahdr_cli.networks.constants import (
    AGREED,
    CERTAINTY,
    CONFLICT,
    DARKNESS,
    DEFICIT,
    DISBELIEF,
    FAINT,
    LEAST,
    ROLL_OFF,
    UNLIKE,
    WHITE,
)
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["write_blend", "write_ldr", "write_radiance", "write_result"]


def write_ldr(graph: GraphWriter) -> Value:
    """The frames as they are given, (1, 9, h, w)."""
    planes = graph.node("Transpose", Value("frames", 3), perm=[0, 3, 1, 2])
    # The reshape also keeps ONNX Runtime from moving the transposition to later, dearer places.
    return graph.node("Reshape", planes, graph.axes(1, 9, 0, 0))._replace(channels=9)


def write_radiance(graph: GraphWriter, ldr: Value, *, white: float = 1.0) -> Value:
    """(1, 9, h, w) → the same in radiance, of which the short frame's white is `white`."""
    # ONNX Runtime has vector code for logarithm and exponential, but none for a power.
    exponent = graph.node("Mul", graph.node("Log", ldr), graph.number(GAMMA))
    ratios = graph.node("Reshape", Value("ratios"), graph.axes(3, 1))
    scale = graph.node("Div", graph.constant(np.full((3, 3), white, np.float32)), ratios)
    per_channel = graph.node("Reshape", scale, graph.axes(1, 9, 1, 1))
    return graph.node("Mul", graph.node("Exp", exponent), per_channel)


def write_blend(
    graph: GraphWriter,
    *,
    ldr: Value,
    radiance: Value,
    own: Value,
    trust: Value,
    black: float = 0.0,
    white: float = 1.0,
) -> tuple[Value, Value]:
    """The weighted mean of the frames and of the network's own picture, (1, 3, h, w).

    With it comes where anything learnt counts, (1, 1, h, w), 0 to 1.

    A softmax of sums of logarithms is a product of powers, so that no logarithm is taken.

    Args:
        graph: to write into.
        ldr: (1, 9, h, w).
        radiance: (1, 9, h, w), for which `black` and `white` stand for 0 and 1.
        own: (1, 3, h, w), in the same units.
        trust: (1, 4, h, w) what was learnt, of the frames and of the network's own picture.
        black: see `radiance`.
        white: see `radiance`.
    """
    frames = graph.split(radiance, 3, 3, 3)
    encoded = graph.split(ldr, 3, 3, 3)
    contradicted, unlike = _write_comparison(graph, encoded[1], frames, black=black, white=white)
    clipped, long_clipped = (_write_clipped(graph, frame) for frame in encoded[1:])
    confirmed = graph.node("Sub", clipped, graph.node("Mul", clipped, unlike))
    agreed = _write_agreement(graph, frames, (clipped, long_clipped), black=black, white=white)
    settled = graph.node("Add", confirmed, agreed)
    unsettled = graph.node("Sub", graph.number(1.0), settled)
    trust = graph.node("Mul", trust, unsettled)
    *learnt, of_own = graph.split(
        # No exponential is above 1, and one is 1.
        graph.node("Sub", trust, graph.node("ReduceMax", trust, axes=[1])),
        *(1, 1, 1, 1),
    )
    beside = graph.node("Mul", confirmed, graph.number(CERTAINTY))
    doubts = (
        contradicted,
        graph.node("Sub", clipped, graph.node("Mul", clipped, contradicted)),
        long_clipped,
    )
    learnt[1] = graph.node("Sub", learnt[1], beside)
    differs = _write_conflict(graph, frames, black=black, white=white)
    differs = graph.node("Mul", differs, graph.number(CERTAINTY))
    learnt[2] = graph.node("Sub", learnt[2], differs)
    weights = [
        _write_weight(graph, *candidate) for candidate in zip(encoded, doubts, learnt, strict=True)
    ]
    settled = graph.node("Mul", settled, graph.number(CERTAINTY))
    weights.append(graph.node("Exp", graph.node("Sub", of_own, settled)))
    shares = [
        graph.node("Mul", picture, weight)
        for picture, weight in zip([*frames, own], weights, strict=True)
    ]
    merged = graph.node("Div", graph.node("Sum", *shares), graph.node("Sum", *weights))
    return merged, unsettled


def _write_agreement(
    graph: GraphWriter,
    frames: list[Value],
    clipped: tuple[Value, Value],
    *,
    black: float,
    white: float,
) -> Value:
    """Where the reference and its neighbour show the same, (1, 1, h, w), 0 to 1.

    Args:
        graph: to write into.
        frames: short, reference and long, each (1, 3, h, w) radiance.
        clipped: of reference and long, (1, 1, h, w), 0 to 1.
        black: what stands for no light.
        white: what stands for the short frame's white.
    """
    short, reference, long = frames
    beside_short, beside_long = (
        graph.node("ReduceMax", graph.node("Abs", graph.node("Sub", x, reference)), axes=[1])
        for x in (short, long)
    )
    further = graph.node("Mul", graph.node("Sub", beside_short, beside_long), clipped[1])
    light = graph.node("ReduceMean", reference, axes=[1])
    light = graph.node("Add", light, graph.number(1e-6 * (white - black) - black))
    apart = graph.node("Div", graph.node("Add", beside_long, further), light)
    alike = graph.node("Sub", graph.number(1.0), _ramp(graph, apart, AGREED))
    return graph.node("Sub", alike, graph.node("Mul", alike, clipped[0]))


def _write_weight(graph: GraphWriter, encoded: Value, doubt: Value, learnt: Value) -> Value:
    """The weight of a frame, (1, 1, h, w)."""
    brightness = graph.node("ReduceMean", encoded, axes=[1])
    power = graph.node("Mul", brightness, brightness)
    power = graph.node("Add", power, graph.number(LEAST))
    doubt = graph.node("Mul", doubt, graph.number(DISBELIEF))
    return graph.node("Mul", power, graph.node("Exp", graph.node("Sub", learnt, doubt)))


def _write_clipped(graph: GraphWriter, encoded: Value) -> Value:
    """(1, 3, h, w) → (1, 1, h, w), 0 to 1."""
    brightest = graph.node("ReduceMax", encoded, axes=[1])
    clipped = _ramp(graph, brightest, (1.0 - ROLL_OFF, 1.0))
    return graph.node("Mul", clipped, clipped)


def _write_comparison(
    graph: GraphWriter, encoded: Value, frames: list[Value], *, black: float, white: float
) -> tuple[Value, Value]:
    """How far the short frame lacks light that the reference clips, and how far it differs at all.

    Both (1, 1, h, w), 0 to 1.
    """
    short, reference, _ = frames
    brightest = graph.node("ReduceMax", reference, axes=[1])
    least = 1e-6 * (white - black) - black
    # (reference - black + FAINT · (brightest - black)) / (1 + FAINT) + 1e-6 · (white - black)
    faint = graph.node("Mul", brightest, graph.number(FAINT / (1.0 + FAINT)))
    faint = graph.node("Add", faint, graph.number(least))
    own = graph.node("Mul", reference, graph.number(1.0 / (1.0 + FAINT)))
    lack = graph.node("Sub", reference, short)
    lack = graph.node("Div", lack, graph.node("Add", own, faint))
    of_white = graph.node("Mul", lack, _ramp(graph, encoded, WHITE))
    contradicted = graph.node("ReduceMax", of_white, axes=[1])
    differs = graph.node("Max", lack, graph.node("Sub", of_white, lack))
    differs = graph.node("ReduceMax", differs, axes=[1])
    return _ramp(graph, contradicted, DEFICIT), _ramp(graph, differs, UNLIKE)


def _write_conflict(
    graph: GraphWriter, frames: list[Value], *, black: float, white: float
) -> Value:
    """Whether the long frame differs by more than noise, (1, 1, h, w), 0 to 1."""
    reference, long = (graph.node("ReduceMean", frame, axes=[1]) for frame in frames[1:])
    ratio = graph.node("Gather", Value("ratios"), graph.axes(2), axis=0)
    floor = graph.node("Div", graph.number(DARKNESS * (white - black)), ratio)
    floor = graph.node("Add", floor, graph.number(1e-6 * (white - black) - black))
    apart = graph.node("Abs", graph.node("Sub", long, reference))
    apart = graph.node("Div", apart, graph.node("Add", reference, floor))
    return _ramp(graph, apart, CONFLICT)


def _ramp(graph: GraphWriter, x: Value, ends: tuple[float, float]) -> Value:
    """0 at one end, 1 at the other, linear between them and constant beyond."""
    start, end = ends
    shifted = graph.node("Sub", x, graph.number(start))
    return graph.node("HardSigmoid", shifted, alpha=1.0 / (end - start), beta=0.0)


def write_result(graph: GraphWriter, radiance: Value) -> None:
    """(1, 3, h, w) → the graph's output."""
    x = graph.node("Transpose", radiance, perm=[0, 2, 3, 1])
    graph.node("Squeeze", x, graph.axes(0), result="radiance")
