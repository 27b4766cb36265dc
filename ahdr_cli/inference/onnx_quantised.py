"""`QuantisedWriter`: a `GraphWriter` that also writes arithmetic in 8 bits.

An activation is stored as uint8 q, which stands for scale · (q - 128). Its scale follows from a
bound that calibration found for it, and what lies beyond the bound is clipped. Scales are kept
for each channel and are folded into the weights of the convolution that reads them, so that
activations with different scales are concatenated as they are. Weights are int8, with a scale for
each output channel that is found here; sums are int32.

ONNX Runtime has vector code for such convolutions (VNNI on x86). What is dequantised, put through
a function of one variable and quantised again becomes a table look-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.onnx_writer import GraphWriter, Value

__all__ = ["STEPS", "Quantised", "QuantisedWriter"]

_ZERO = 128
"""The uint8 that stands for 0: all that is concatenated must share it, and some has a sign."""

STEPS = 127
"""The integer that stands for the bound of an activation or the largest weight of a channel."""

_LARGEST_BIAS = 2.0**30
"""Largest bias, in steps of its channel's weights times activations: it leaves room in an int32."""


class Quantised(NamedTuple):
    """(n, channels, h, w) uint8.

    Attributes:
        name: of the value.
        scales: (channels,) float64, what a step of each channel stands for.
    """

    name: str
    scales: NDArray[np.float64]


class QuantisedWriter(GraphWriter):
    """Writes float32 as a `GraphWriter` does, and 8 bits by the methods below.

    Args:
        weights: parameters of the network, by name.
        bounds: largest absolute value that is kept of each activation, by name.
    """

    def __init__(self, weights: Mapping[str, FloatArray], bounds: Mapping[str, float]) -> None:
        super().__init__(weights)
        self._bounds = bounds
        self._zero = self.constant(np.array(_ZERO, np.uint8))
        self._one = self.number(1.0)

    def quantise(self, name: str, x: Value) -> Quantised:
        """The activation `name`, stored in 8 bits."""
        scale = self._scale(name)
        stored = self.node("QuantizeLinear", x, self.number(scale), self._zero)
        return Quantised(stored.name, np.full(x.channels, scale))

    def dequantise(self, x: Quantised) -> Value:
        """The activation in float32; all channels must have the same scale."""
        scale = float(x.scales[0])
        assert (x.scales == scale).all()
        return self.node("DequantizeLinear", _value(x), self.number(scale), self._zero)

    def join(self, *parts: Quantised) -> Quantised:
        """Concatenated along the channels."""
        joined = self.concat(*map(_value, parts))
        return Quantised(joined.name, np.concatenate([part.scales for part in parts]))

    def rectify(self, x: Quantised) -> Quantised:
        """Negative values to 0."""
        return x._replace(name=self.node("Clip", _value(x), self._zero).name)

    def convolve_quantised(self, name: str, x: Quantised, *, dilation: int = 1) -> Quantised:
        """The convolution `name`, of stride 1 and zero-padded, as the activation `name`."""
        step = self._scale(name)
        parameters = self.parameters(name)
        weight = parameters[0] * (x.scales / step)[:, None, None]
        bias = parameters[1] / step
        # Of a channel without weights, the bias must still fit.
        largest = np.abs(weight).max(axis=(1, 2, 3)) / STEPS
        scales = np.maximum(largest, np.abs(bias) / _LARGEST_BIAS).astype(np.float32)
        scales[scales == 0.0] = 1.0
        kernel = weight.shape[2]
        result = self.node(
            "QLinearConv",
            *(_value(x), self._one, self._zero),  # the true scale is in the weights
            self.constant(np.rint(weight / scales[:, None, None, None]).astype(np.int8)),
            self.constant(scales),
            self.constant(np.zeros(len(scales), np.int8)),
            *(self._one, self._zero),
            self.constant(np.rint(bias / scales).astype(np.int32)),
            kernel_shape=[kernel, kernel],
            dilations=[dilation, dilation],
            pads=[dilation * (kernel - 1) // 2] * 4,
        )
        return Quantised(result.name, np.full(len(scales), step))

    def _scale(self, name: str) -> float:
        return self._bounds[name] / STEPS


def _value(x: Quantised) -> Value:
    return Value(x.name, len(x.scales))
