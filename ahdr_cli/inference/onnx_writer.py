"""`GraphWriter`: an ONNX graph, written node by node.

Nothing is traced, so neither torch's exporter nor an example input is needed, and a graph takes
any height and width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ahdr_cli.images import FloatArray

__all__ = ["OPSET", "GraphWriter", "Value"]

OPSET = 17
"""Old enough for every ONNX Runtime since 1.12; later versions add nothing that is used here."""

_IR_VERSION = 8
"""Version of the file format that came with opset 17: every later reader accepts it."""


class Value(NamedTuple):
    """A result of a node: (n, channels, h, w) where channels matter."""

    name: str
    channels: int = 0


class GraphWriter:
    """Collects the nodes; every method takes values and returns a new one.

    The graph's inputs are ``frames`` (3, h, w, 3) and ``ratios`` (3,), its output is
    ``radiance`` (h, w, 3), all float32, as :class:`ahdr_cli.inference.runtime.Runtime` has them.

    Args:
        weights: parameters of the network, by name.
    """

    def __init__(self, weights: Mapping[str, FloatArray]) -> None:
        self._weights = weights
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def model(self, *, name: str) -> ModelProto:
        """All that was written so far."""
        graph = helper.make_graph(
            self._nodes,
            name,
            [
                helper.make_tensor_value_info("frames", TensorProto.FLOAT, [3, "h", "w", 3]),
                helper.make_tensor_value_info("ratios", TensorProto.FLOAT, [3]),
            ],
            [helper.make_tensor_value_info("radiance", TensorProto.FLOAT, ["h", "w", 3])],
            self._constants,
        )
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)

    def node(
        self, operator: str, *inputs: Value, result: str = "", **attributes: float | str | list[int]
    ) -> Value:
        """Any operator; most keep the channels of their first input."""
        result = result or f"value_{len(self._nodes)}"
        names = [value.name for value in inputs]
        self._nodes.append(helper.make_node(operator, names, [result], **attributes))
        return Value(result, inputs[0].channels)

    def constant(self, values: NDArray[np.generic]) -> Value:
        """An array that is part of the graph."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return Value(name)

    def number(self, value: float) -> Value:
        """A float32 scalar."""
        return self.constant(np.array(value, np.float32))

    def axes(self, *values: int) -> Value:
        """Integers, as shapes and axes want them."""
        return self.constant(np.array(values, np.int64))

    def concat(self, *parts: Value, axis: int = 1) -> Value:
        """Joined along an axis, by default the channels."""
        joined = self.node("Concat", *parts, axis=axis)
        if axis != 1:
            return joined
        return joined._replace(channels=sum(part.channels for part in parts))

    def conv(
        self, name: str, *parts: Value, dilation: int = 1, order: NDArray[np.intp] | None = None
    ) -> Value:
        """The convolution `name` of the concatenated parts, as a sum over them.

        Stride 1, zero-padded to keep the size.

        Args:
            name: of the module; ``weight`` and ``bias`` are looked up under it.
            parts: whose channels add up to the convolution's.
            dilation: of its taps.
            order: where in the weights each input channel is found; None: in the same place.
        """
        total = self.conv_share(name, parts[0], start=0, dilation=dilation, order=order)
        start = parts[0].channels
        for part in parts[1:]:
            share = self.conv_share(name, part, start=start, dilation=dilation, order=order)
            total = self.node("Add", total, share)
            start += part.channels
        return total

    def conv_share(
        self,
        name: str,
        x: Value,
        *,
        start: int,
        dilation: int = 1,
        order: NDArray[np.intp] | None = None,
    ) -> Value:
        """What `x`, input channels from `start` on, contributes to the convolution `name`.

        The bias belongs to the share from 0.
        """
        weight = self._weights[f"{name}.weight"]
        if order is not None:
            weight = weight[:, order]
        weight = weight[:, start : start + x.channels]
        inputs = [x, self.constant(weight)]
        if start == 0:
            inputs.append(self.constant(self._weights[f"{name}.bias"]))
        kernel = weight.shape[2]
        share = self.node(
            "Conv",
            *inputs,
            kernel_shape=[kernel, kernel],
            dilations=[dilation, dilation],
            pads=[dilation * (kernel - 1) // 2] * 4,
        )
        return share._replace(channels=weight.shape[0])

    def relu(self, x: Value) -> Value:
        """Negative values to 0."""
        return self.node("Relu", x)

    def clip(self, x: Value) -> Value:
        """Into [0, 1]."""
        return self.node("Clip", x, self.number(0.0), self.number(1.0))

    def split(self, x: Value, *channels: int) -> list[Value]:
        """Cut along the channels."""
        parts = [Value(f"{x.name}_part_{i}", count) for i, count in enumerate(channels)]
        self._nodes.append(
            helper.make_node(
                "Split",
                [x.name, self.axes(*channels).name],
                [part.name for part in parts],
                axis=1,
            )
        )
        return parts

    def slices(self, x: Value, count: int) -> Sequence[Value]:
        """The entries of the first axis, each with that axis still there."""
        return [self.node("Gather", x, self.axes(i), axis=0) for i in range(count)]
