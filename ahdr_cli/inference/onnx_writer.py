"""`GraphWriter`: an ONNX graph, written node by node.

Nothing is traced, so neither torch's exporter nor an example input is needed, and a graph takes
any height and width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from ahdr_cli.images import FloatArray

__all__ = ["IR_VERSION", "OPSET", "GraphWriter", "Shapes", "Value"]

OPSET = 17
"""Old enough for every ONNX Runtime since 1.12; later versions add nothing that is used here."""

IR_VERSION = 8
"""Version of the file format that came with opset 17: every later reader accepts it."""


Shapes: TypeAlias = Mapping[str, tuple[int | str, ...]]
"""Of tensors, by name; the image's own size is called h and w."""

_NOTHING: Shapes = MappingProxyType({})


class Value(NamedTuple):
    """A result of a node: (n, channels, h, w) where channels matter."""

    name: str
    channels: int = 0


class GraphWriter:
    """Collects the nodes; every method takes values and returns a new one.

    The graph's inputs are ``frames`` (3, h, w, 3) and ``conditions`` (4,), its output is
    ``radiance`` (h, w, 3), all float32, as :class:`ahdr_cli.inference.runtime.Runtime` has them.

    Args:
        weights: parameters of the network, by name.
    """

    def __init__(self, weights: Mapping[str, FloatArray]) -> None:
        self._weights = weights
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._declared: list[ValueInfoProto] = []

    def model(self, *, name: str, further: Shapes = _NOTHING) -> ModelProto:
        """The model of all nodes written so far.

        Args:
            name: of the graph.
            further: inputs besides frames and conditions, float32.
        """
        graph = helper.make_graph(
            self._nodes,
            name,
            _tensors({"frames": (3, "h", "w", 3), "conditions": (4,), **further}),
            _tensors({"radiance": ("h", "w", 3)}),
            self._constants,
            value_info=self._declared,
        )
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)

    def node(
        self,
        operator: str,
        *inputs: Value,
        result: str = "",
        **attributes: float | int | str | list[int],
    ) -> Value:
        """Any operator; most keep the channels of their first input."""
        result = result or f"value_{len(self._nodes)}"
        names = [value.name for value in inputs]
        self._nodes.append(helper.make_node(operator, names, [result], **attributes))
        return Value(result, inputs[0].channels)

    def named(self, name: str, x: Value) -> Value:
        """Rename the value that was written last; it must not be used yet under its old name."""
        assert list(self._nodes[-1].output) == [x.name]
        self._nodes[-1].output[0] = name
        return x._replace(name=name)

    def constant(self, values: NDArray[np.generic]) -> Value:
        """An array that is part of the graph."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return Value(name)

    def number(self, value: float) -> Value:
        """A float32 scalar."""
        return self.constant(np.array(value, np.float32))

    def integers(self, *values: int) -> Value:
        """A list of integers, as shapes and axes want them."""
        return self.constant(np.array(values, np.int64))

    def concat(self, *parts: Value, axis: int = 1) -> Value:
        """Joined along an axis, by default the channels."""
        joined = self.node("Concat", *parts, axis=axis)
        if axis != 1:
            return joined
        return joined._replace(channels=sum(part.channels for part in parts))

    def declare(self, x: Value, *, cell: int) -> Value:
        """Declare that `x` has one pixel for each `cell` by `cell` pixels of the frames.

        ONNX Runtime fuses a sum into a convolution only where it knows that the shapes are equal.
        It compares sizes by their names, and does not work out that of a division.
        """
        suffix = "" if cell == 1 else f"/{cell}"
        shape = [1, x.channels, f"h{suffix}", f"w{suffix}"]
        self._declared.append(helper.make_tensor_value_info(x.name, TensorProto.FLOAT, shape))
        return x

    def total(self, *parts: Value, cell: int | None = None) -> Value:
        """The sum of values of equal shape, declared where a `cell` is given."""
        total = parts[0]
        for part in parts[1:]:
            if cell is not None:
                self.declare(total, cell=cell)
                self.declare(part, cell=cell)
            total = self.node("Add", total, part)
        return total if cell is None else self.declare(total, cell=cell)

    def parameters(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Weight and bias of the module `name`."""
        return self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]

    def conv(self, name: str, *parts: Value, dilation: int = 1) -> Value:
        """The convolution `name` of the concatenated parts, as a sum over them.

        Stride 1, zero-padded to keep the size.

        Args:
            name: of the module; ``weight`` and ``bias`` are looked up under it.
            parts: whose channels add up to the convolution's.
            dilation: of its taps.
        """
        shares, start = [], 0
        for part in parts:
            shares.append(self.conv_share(name, part, start=start, dilation=dilation))
            start += part.channels
        return self.total(*shares)

    def conv_share(self, name: str, x: Value, *, start: int, dilation: int = 1) -> Value:
        """What `x`, input channels from `start` on, contributes to the convolution `name`.

        The bias belongs to the share from 0. Channels of `x` beyond the convolution's do not count.
        """
        weight, bias = self.parameters(name)
        weight = weight[:, start : start + x.channels]
        return self.convolve(x, weight, None if start else bias, dilation=dilation)

    def convolve(
        self,
        x: Value,
        weight: FloatArray,
        bias: FloatArray | None = None,
        *,
        stride: int = 1,
        dilation: int = 1,
    ) -> Value:
        """A convolution zero-padded by as much on every side: h and w become h and w / stride.

        Args:
            x: (n, inputs and maybe further channels that do not count, h, w).
            weight: (outputs, inputs, k, k); k is odd for stride 1, even for stride 2.
            bias: (outputs,), or none.
            stride: 1 or 2.
            dilation: of the taps.
        """
        outputs, inputs_used, kernel, _ = weight.shape
        rest = x.channels - inputs_used
        inputs = [x, self.constant(np.pad(weight, ((0, 0), (0, rest), (0, 0), (0, 0))))]
        if bias is not None:
            inputs.append(self.constant(bias))
        result = self.node(
            "Conv",
            *inputs,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            dilations=[dilation, dilation],
            pads=[dilation * (kernel - 1) // 2] * 4,
        )
        return result._replace(channels=outputs)

    def relu(self, x: Value) -> Value:
        """Negative values to 0."""
        return self.node("Relu", x)

    def split(self, x: Value, *channels: int) -> list[Value]:
        """Cut along the channels."""
        name = f"value_{len(self._nodes)}"
        parts = [Value(f"{name}_part_{i}", count) for i, count in enumerate(channels)]
        self._nodes.append(
            helper.make_node(
                "Split",
                [x.name, self.integers(*channels).name],
                [part.name for part in parts],
                axis=1,
            )
        )
        return parts

    def slices(self, x: Value, count: int) -> Sequence[Value]:
        """The entries of the first axis, each with that axis still there."""
        return [self.node("Gather", x, self.integers(i), axis=0) for i in range(count)]


def _tensors(shapes: Shapes) -> list[ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
