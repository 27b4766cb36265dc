"""FastNet as an ONNX graph; it computes what :meth:`FastNet.forward` computes.

Height and width must be multiples of its stride: whoever runs the graph repeats the last pixels.

ONNX Runtime convolves in a layout of its own, in blocks of 16 channels, and other operations force
a change of layout. So the graph is written to avoid them (``benchmarks/cpu_network.md``):

- A convolution of what `pixel_unshuffle` makes is one of twice the kernel with stride 2.
- A convolution of concatenated parts is a sum, added up within the convolutions. Frames enter it
  as nine channels each of LDR and radiance: fewer than 16 are read without a change of layout.
- `pixel_shuffle` takes channels last, where blocks of them are moved as a whole.
- The μ-law is the plain natural logarithm: pictures are kept as 1 + μ · radiance, and the factor
  1 / log(1 + μ) is left to the convolutions' weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from onnx import ModelProto

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.onnx_blend import write_blend, write_ldr, write_radiance, write_result
from ahdr_cli.inference.onnx_explicit import Lifted, write_explicit
from ahdr_cli.inference.onnx_shrinkage import write_shrinkage
from ahdr_cli.inference.onnx_writer import GraphWriter, Value
from ahdr_cli.networks.config import FAST_OUTPUTS, FAST_SEEN, FastConfig
from ahdr_cli.networks.constants import DEAD_ZONE, MU

__all__ = ["build_fastnet"]

_BLOCK = 16
"""Channels in a block of ONNX Runtime's layout with AVX-512; elsewhere 4 or 8, which divide it."""

_BRIGHTEST = math.log1p(MU)
"""Natural logarithm of 1 + μ, which stands for a radiance of 1."""

_LDR, _MAPPED = np.arange(FAST_SEEN).reshape(3, 2, 3).swapaxes(0, 1).reshape(2, 9)
"""Positions of the LDR and of the μ-law channels among the network's input channels."""


class _Seen(NamedTuple):
    """The network's input.

    Attributes:
        ldr: (1, 9, h, w).
        mapped: (1, 9, h, w), 1 + μ · radiance in natural logarithms.
    """

    ldr: Value
    mapped: Value


def build_fastnet(config: FastConfig, weights: Mapping[str, FloatArray]) -> ModelProto:
    """The network as an ONNX model.

    Args:
        config: of the network.
        weights: all parameters, by the names that :class:`FastNet` gives them.
    """
    graph = GraphWriter(weights)
    ldr = write_ldr(graph)
    lifted = graph.node("Add", write_radiance(graph, ldr, white=MU), graph.number(1.0))
    seen = _Seen(ldr, graph.node("Log", lifted))

    weight, bias = graph.parameters("encode")
    half = graph.total(*_conv_seen(graph, seen, _unshuffled(weight), bias, stride=2), cell=2)
    half = graph.relu(half)
    weight, bias = graph.parameters("down")
    x = graph.relu(graph.convolve(half, _unshuffled(weight), bias, stride=2))
    for i, dilation in enumerate(config.dilations):
        y = graph.relu(graph.conv(f"blocks.{i}.first", x))
        y = graph.conv(f"blocks.{i}.second", y, dilation=dilation)
        x = graph.total(y, x, cell=4)
    x = _conv_shuffled(graph, "up", x, cell=2)
    share = graph.conv_share("fuse", x, start=config.shallow)
    half = graph.total(graph.conv_share("fuse", half, start=0), share, cell=2)
    x = _conv_shuffled(graph, "spread", graph.relu(half), cell=1)
    weight, bias = graph.parameters("refine")
    shares = _conv_seen(graph, seen, weight[:, :FAST_SEEN], bias)
    share = graph.conv_share("refine", x, start=FAST_SEEN)
    x = graph.relu(graph.total(share, *shares, cell=1))
    write_result(graph, _decide(graph, ldr, lifted, x))
    return graph.model(name="fastnet")


def _conv_seen(
    graph: GraphWriter, seen: _Seen, weight: FloatArray, bias: FloatArray, *, stride: int = 1
) -> tuple[Value, Value]:
    """The network's input convolved, as two parts to be added up."""
    mapped = weight[:, _MAPPED] / np.float32(_BRIGHTEST)
    return (
        graph.convolve(seen.ldr, weight[:, _LDR], bias, stride=stride),
        graph.convolve(seen.mapped, mapped, stride=stride),
    )


def _unshuffled(weight: FloatArray) -> FloatArray:
    """Weights of a convolution at stride 2 that equals one after `pixel_unshuffle` by two.

    Args:
        weight: (outputs, 4 · inputs, k, k).

    Returns:
        (outputs, inputs, 2k, 2k).
    """
    outputs, inputs, kernel, _ = weight.shape
    taps = weight.reshape(outputs, inputs // 4, 2, 2, kernel, kernel).transpose(0, 1, 4, 2, 5, 3)
    return taps.reshape(outputs, inputs // 4, 2 * kernel, 2 * kernel)


def _conv_shuffled(graph: GraphWriter, name: str, x: Value, *, cell: int) -> Value:
    """The convolution `name`, ReLU and `pixel_shuffle` by two, with further channels of zeros."""
    weight, bias = graph.parameters(name)
    outputs = len(bias) // 4
    channels = -(-outputs // _BLOCK) * _BLOCK  # whole blocks
    # The pixel of a cell becomes the outer, the channel the inner part of the index.
    weight = weight.reshape(outputs, 4, *weight.shape[1:]).swapaxes(0, 1)
    weight = np.pad(weight, ((0, 0), (0, channels - outputs), (0, 0), (0, 0), (0, 0)))
    bias = np.pad(bias.reshape(outputs, 4).T, ((0, 0), (0, channels - outputs)))
    x = graph.relu(graph.convolve(x, weight.reshape(-1, *weight.shape[2:]), bias.ravel()))

    rows_columns = graph.node("Shape", Value("frames"), start=1, end=3)
    coarse = graph.node("Div", rows_columns, graph.integers(2 * cell, 2 * cell))
    fine = graph.node("Div", rows_columns, graph.integers(cell, cell))
    x = graph.node("Transpose", x, perm=[0, 2, 3, 1])
    cells = graph.concat(coarse, graph.integers(2, 2 * channels), axis=0)  # two rows of two pixels
    x = graph.node("Transpose", graph.node("Reshape", x, cells), perm=[0, 2, 1, 3])
    x = graph.node(
        "Reshape", x, graph.concat(graph.integers(1), fine, graph.integers(channels), axis=0)
    )
    x = graph.node("Transpose", x, perm=[0, 3, 1, 2])._replace(channels=channels)
    return graph.declare(x, cell=cell)


def _decide(graph: GraphWriter, ldr: Value, lifted: Value, x: Value) -> Value:
    """Features → radiance, (1, 3, h, w)."""
    weight, bias = graph.parameters("output")
    logits = FAST_OUTPUTS[0]
    scale = np.where(np.arange(len(bias)) < logits, 1.0, _BRIGHTEST).astype(np.float32)
    output = graph.convolve(x, weight * scale[:, None, None, None], bias * scale)
    trust, own, correction = graph.split(output, *FAST_OUTPUTS)

    own = graph.node("Clip", own, graph.number(0.0), graph.number(_BRIGHTEST))
    own = graph.node("Exp", own)
    units = Lifted(lifted, black=1.0, white=1.0 + MU)
    explicit = write_explicit(graph, ldr, units)
    merged = write_blend(graph, explicit=explicit, own=own, trust=trust)
    dead = DEAD_ZONE * _BRIGHTEST
    correction = graph.node("Shrink", correction, lambd=dead, bias=dead)
    correction = graph.node("Mul", correction, explicit.unsettled)
    corrected = graph.node("Add", graph.node("Log", merged.radiance), correction)
    return write_shrinkage(graph, corrected, merged, units)
