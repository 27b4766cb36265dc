"""The explicit merge as nodes of an ONNX graph.

They say what :mod:`ahdr_cli.networks.explicit` says, in as few passes over memory as ONNX Runtime
allows. A softmax of sums of logarithms is a product of powers, so that weights are written instead
of their logarithms, and no logarithm is taken.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ahdr_cli.inference.onnx_writer import GraphWriter, Value
from ahdr_cli.networks.constants import (
    CERTAINTY,
    DEFICIT,
    DISBELIEF,
    ENOUGH,
    FAINT,
    FEW,
    FILL,
    MU,
    OWN_ERROR,
    QUIET,
    RADIUS,
    REACH,
    ROLL_OFF,
    SHOWN,
    SOUND,
    TAIL,
    TOLERANCE,
    UNLIKE,
    WHITE,
)
from ahdr_cli.radiometry.noise import READ

__all__ = ["ExplicitNodes", "Lifted", "write_explicit"]


class Lifted(NamedTuple):
    """Radiance in other units.

    Attributes:
        value: (1, 9, h, w) of the three frames.
        black: what stands for no light.
        white: what stands for the short frame's white.
    """

    value: Value
    black: float = 0.0
    white: float = 1.0

    @property
    def unit(self) -> float:
        """What is added for one unit of light."""
        return self.white - self.black


class ExplicitNodes(NamedTuple):
    """What is known without learning; each (1, channels, h, w).

    Attributes:
        weights: of short, reference and long, 3 channels.
        own: weight of a network's own picture.
        unsettled: 0 to 1, how far what is learnt counts.
        variance: of each frame by noise, 3 channels, in squared units of the radiance.
        radiance: of short, reference and long, 3 channels each, the reference's raised where it
            is clipped and the short frame shows something else.
    """

    weights: Value
    own: Value
    unsettled: Value
    variance: Value
    radiance: tuple[Value, Value, Value]


class _Uncertainty(NamedTuple):
    variance: Value  # (1, 3, h, w) by noise
    excess: Value  # (1, 2, h, w), by how much more short and long differ
    light: Value  # (1, 1, h, w) of the reference, black is 0


def write_explicit(graph: GraphWriter, ldr: Value, radiance: Lifted) -> ExplicitNodes:
    """Weights and what follows from them.

    Args:
        graph: to write into.
        ldr: (1, 9, h, w), the frames as they were taken.
        radiance: of the same.
    """
    encoded = graph.split(ldr, 3, 3, 3)
    frames = graph.split(radiance.value, 3, 3, 3)
    brightest = [graph.node("ReduceMax", frame, axes=[1]) for frame in encoded[1:]]
    reference, long = (_write_clipped(graph, frame) for frame in brightest)
    one = graph.number(1.0)
    sound = graph.node("Sub", one, _ramp(graph, brightest[0], SOUND))
    alike_long = graph.node("Mul", sound, graph.node("Sub", one, long))
    comparable = graph.concat(_plane(sound), _plane(alike_long))
    uncertain = _write_uncertainty(graph, frames, comparable, radiance)

    painted = graph.node("Add", uncertain.light, graph.number(radiance.unit / MU))
    painted = graph.node("Mul", painted, graph.number(OWN_ERROR * math.log1p(MU)))
    painted = graph.node("Mul", painted, painted)
    short, beyond = graph.split(uncertain.excess, 1, 1)
    further = graph.concat(short, _scaled(graph, short, 0.0), beyond)
    doubted = graph.node("Mul", painted, reference)
    total = graph.node("Sum", uncertain.variance, further, doubted)
    highlights = _write_highlights(graph, encoded[1], frames, radiance, reference)
    contradicted, unlike = highlights.contradicted, highlights.unlike
    confirmed = graph.node("Sub", reference, graph.node("Mul", reference, unlike))
    believed = graph.node("Sub", reference, graph.node("Mul", reference, contradicted))
    useless = _plane(graph.node("Max", long, graph.node("Sub", one, sound)))
    doubts = graph.concat(
        _scaled(graph, contradicted, -DISBELIEF),
        graph.node(
            "Add", _scaled(graph, believed, -DISBELIEF), _scaled(graph, confirmed, -CERTAINTY)
        ),
        _scaled(graph, useless, -DISBELIEF - CERTAINTY),
    )
    weights = graph.node("Mul", graph.node("Exp", doubts), graph.node("Div", painted, total))
    weights = weights._replace(channels=3)

    # OWN_ERROR / √Σ is the deviation of the mean.
    certain = graph.node("Sqrt", graph.node("ReduceSum", weights, graph.integers(1)))
    noise = graph.node("Div", graph.number(OWN_ERROR), certain)
    loud = _ramp(graph, noise, QUIET)
    quiet = graph.node("Mul", sound, graph.node("Sub", one, reference))
    quiet = graph.node("Sub", quiet, graph.node("Mul", quiet, loud))
    shown = _ramp(graph, brightest[0], SHOWN)
    shown = graph.node("Sub", shown, graph.node("Mul", shown, unlike))
    settled = graph.node("Max", shown, quiet)
    return ExplicitNodes(
        weights=weights,
        own=graph.node("Exp", _scaled(graph, settled, -CERTAINTY)),
        unsettled=graph.node("Sub", one, settled),
        variance=uncertain.variance,
        radiance=(frames[0], highlights.filled, frames[2]),
    )


def _write_uncertainty(
    graph: GraphWriter, frames: list[Value], comparable: Value, radiance: Lifted
) -> _Uncertainty:
    """Of each frame, over neighbourhoods.

    Args:
        graph: to write into.
        frames: short, reference and long, each (1, 3, h, w) radiance.
        comparable: (1, 2, h, w), where short and long can be compared with the reference.
        radiance: its units.
    """
    apart = []
    for frame in (frames[0], frames[2]):
        difference = graph.node("Sub", frame, frames[1])
        square = graph.node("Mul", difference, difference)
        apart.append(_plane(graph.node("ReduceMean", square, axes=[1])))
    light = [_plane(graph.node("ReduceMean", frame, axes=[1])) for frame in frames]
    different = graph.node("Mul", graph.concat(*apart), comparable)
    pooled = _around(graph, graph.concat(*light, different, comparable), RADIUS)
    lights, apart_mean, share = graph.split(pooled, 3, 2, 2)

    ratios = graph.node("Gather", Value("conditions"), graph.integers(0, 1, 2), axis=0)
    ratios = graph.node("Reshape", ratios, graph.integers(1, 3, 1, 1))
    noise = graph.node("Gather", Value("conditions"), graph.integers(3), axis=0)
    unit = radiance.unit
    sensor = graph.node("Div", graph.number(unit * READ), ratios)
    sensor = graph.node("Sub", sensor, graph.number(radiance.black))
    scale = graph.node("Div", graph.node("Mul", noise, graph.number(unit)), ratios)
    variance = graph.node("Mul", graph.node("Add", lights, sensor), scale)._replace(channels=3)

    parts = graph.split(variance, 1, 1, 1)
    outer = graph.concat(parts[0], parts[2])
    both = _scaled(graph, graph.node("Add", outer, parts[1]), TAIL)
    reference = graph.node("Sub", graph.split(lights, 1, 1, 1)[1], graph.number(radiance.black))
    tolerated = _scaled(graph, reference, TOLERANCE)
    explained = graph.node("Add", both, graph.node("Mul", tolerated, tolerated))
    mean = graph.node("Div", apart_mean, graph.node("Add", share, graph.number(FEW)))
    excess = graph.relu(graph.node("Sub", mean, explained))
    sound = graph.split(comparable, 1, 1)[0]
    excess = graph.node("Mul", excess, sound)._replace(channels=2)
    return _Uncertainty(variance=variance, excess=excess, light=reference)


def _around(graph: GraphWriter, x: Value, radius: int) -> Value:
    """Means over the square of `radius` around each pixel, first along columns, then along rows."""
    side = 2 * radius + 1
    for kernel, pads in (([side, 1], [radius, 0, radius, 0]), ([1, side], [0, radius, 0, radius])):
        x = graph.node("AveragePool", x, kernel_shape=kernel, pads=pads, count_include_pad=0)
    return x


def _write_clipped(graph: GraphWriter, brightest: Value) -> Value:
    """Of a frame's brightest channel, (1, 1, h, w), 0 to 1."""
    clipped = _ramp(graph, brightest, (1.0 - ROLL_OFF, 1.0))
    return _plane(graph.node("Mul", clipped, clipped))


class _Highlights(NamedTuple):
    contradicted: Value  # (1, 1, h, w), how far the short frame shows something else
    unlike: Value  # (1, 1, h, w), how far it does not show all that the reference could see
    filled: Value  # (1, 3, h, w), radiance of the reference


def _write_highlights(
    graph: GraphWriter, encoded: Value, frames: list[Value], radiance: Lifted, clipped: Value
) -> _Highlights:
    """What the short frame says where the reference is white.

    Args:
        graph: to write into.
        encoded: (1, 3, h, w), the reference as it was taken.
        frames: short, reference and long, each (1, 3, h, w) radiance.
        radiance: its units.
        clipped: (1, 1, h, w), 0 to 1, where the reference is.
    """
    short, reference, _ = frames
    white = _ramp(graph, encoded, WHITE)
    contradicted, unlike = _write_comparison(graph, white, frames, radiance)
    beside = graph.node("MaxPool", contradicted, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    one = graph.number(1.0)
    sure = graph.node("Mul", graph.node("Sub", one, unlike), graph.node("Sub", one, beside))
    whitest = _plane(graph.node("ReduceMax", white, axes=[1]))
    sure = graph.node("Mul", sure, whitest)
    lit = graph.node("Mul", short, sure)
    around = _around(graph, graph.concat(lit, sure), REACH)
    light, share = graph.split(around, 3, 1)
    light = graph.node("Div", light, graph.node("Add", share, graph.number(1e-6)))
    known = _ramp(graph, share, (0.0, ENOUGH))
    lifted = graph.node("Add", light, graph.number(1e-6 * radiance.unit - radiance.black))
    darker = graph.node("Div", graph.node("Sub", light, short), lifted)
    darker = _ramp(graph, graph.node("ReduceMax", darker, axes=[1]), DEFICIT)
    mixed = graph.node("Mul", graph.node("Mul", beside, darker), known)
    contradicted = graph.node("Max", contradicted, mixed)
    # 1 - (1 - unlike) · (1 - mixed)
    rest = graph.node("Sub", mixed, graph.node("Mul", mixed, unlike))
    unknown = graph.node("Mul", graph.node("Mul", clipped, contradicted), known)
    unknown = graph.node("Mul", white, _scaled(graph, unknown, FILL))
    more = graph.relu(graph.node("Sub", light, reference))
    return _Highlights(
        contradicted=contradicted,
        unlike=_plane(graph.node("Add", unlike, rest)),
        filled=graph.node("Add", reference, graph.node("Mul", unknown, more)),
    )


def _write_comparison(
    graph: GraphWriter, white: Value, frames: list[Value], radiance: Lifted
) -> tuple[Value, Value]:
    """How far the short frame lacks light that the reference clips, and how far it differs at all.

    Both (1, 1, h, w), 0 to 1.
    """
    short, reference, _ = frames
    brightest = graph.node("ReduceMax", reference, axes=[1])
    least = 1e-6 * radiance.unit - radiance.black
    # (reference - black + FAINT · (brightest - black)) / (1 + FAINT) + 1e-6 · unit
    faint = graph.node("Mul", brightest, graph.number(FAINT / (1.0 + FAINT)))
    faint = graph.node("Add", faint, graph.number(least))
    own = graph.node("Mul", reference, graph.number(1.0 / (1.0 + FAINT)))
    lack = graph.node("Sub", reference, short)
    lack = graph.node("Div", lack, graph.node("Add", own, faint))
    of_white = graph.node("Mul", lack, white)
    contradicted = graph.node("ReduceMax", of_white, axes=[1])
    differs = graph.node("Max", lack, graph.node("Sub", of_white, lack))
    differs = graph.node("ReduceMax", differs, axes=[1])
    return _plane(_ramp(graph, contradicted, DEFICIT)), _plane(_ramp(graph, differs, UNLIKE))


def _ramp(graph: GraphWriter, x: Value, ends: tuple[float, float]) -> Value:
    """0 at one end, 1 at the other, linear between them and constant beyond."""
    start, end = ends
    shifted = graph.node("Sub", x, graph.number(start))
    return graph.node("HardSigmoid", shifted, alpha=1.0 / (end - start), beta=0.0)


def _scaled(graph: GraphWriter, x: Value, factor: float) -> Value:
    return graph.node("Mul", x, graph.number(factor))


def _plane(x: Value) -> Value:
    """A value of one channel, known as such."""
    return x._replace(channels=1)
