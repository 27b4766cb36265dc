"""The shrinkage of noise as nodes of an ONNX graph.

They compute what :mod:`ahdr_cli.networks.shrinkage` computes, with natural logarithms for the
μ-law.
"""

from __future__ import annotations

import math

import numpy as np

from ahdr_cli.inference.onnx_blend import BlendNodes
from ahdr_cli.inference.onnx_explicit import Lifted
from ahdr_cli.inference.onnx_writer import GraphWriter, Value
from ahdr_cli.networks.constants import MU, SHRUNK, SIDE, SILENT
from ahdr_cli.networks.transform import block_frequencies

__all__ = ["write_shrinkage"]


def write_shrinkage(graph: GraphWriter, mapped: Value, merged: BlendNodes, units: Lifted) -> Value:
    """Take noise out.

    Args:
        graph: to write into.
        mapped: (1, 3, h, w), the picture in log(1 + μ · radiance).
        merged: the mean that it was made of.
        units: those of its radiance.

    Returns:
        (1, 3, h, w) radiance in [0, 1].
    """
    light = graph.node("ReduceMean", merged.radiance, axes=[1])
    known = graph.concat(merged.variance, light._replace(channels=1))
    block, pads = [SIDE, SIDE], [SIDE // 2] * 4
    known = graph.node("AveragePool", known, kernel_shape=block, pads=pads, count_include_pad=0)
    variance, light = graph.split(known, 1, 1)
    slope = graph.node("Add", light, graph.number(units.unit / MU - units.black))
    variance = graph.node("Add", variance, graph.number(SILENT * units.unit**2))
    certainty = graph.node("Div", slope, graph.node("Sqrt", variance))

    patterns = block_frequencies(SIDE)
    beyond = graph.integers(0, 0, *pads[:2], 0, 0, *pads[2:])
    padded = graph.node("Pad", mapped, beyond, mode="edge")
    found = graph.node("Conv", padded, graph.constant(patterns), kernel_shape=block)
    deviations = graph.node("Mul", graph.node("Abs", found), certainty)
    start, end = SHRUNK
    share = graph.node(
        "HardSigmoid", deviations, alpha=-1.0 / (end - start), beta=end / (end - start)
    )
    noise = graph.node("Mul", found, share)
    back = graph.constant(patterns / np.float32(SIDE**2))
    noise = graph.node("ConvTranspose", noise, back, kernel_shape=block, pads=pads)
    shrunk = graph.node("Sub", mapped, noise)
    brightest = graph.number(math.log1p(MU))
    lifted = graph.node("Exp", graph.node("Clip", shrunk, graph.number(0.0), brightest))
    above = graph.node("Sub", lifted, graph.number(1.0))
    return graph.node("Mul", above, graph.number(1.0 / MU))
