"""AHDRNet as an ONNX graph, written node by node from a configuration and its weights.

Nothing is traced, so neither torch's exporter nor an example input is needed, and the graph
takes any height and width. It follows :meth:`AHDRNet.forward` line by line; the network's
input (:mod:`ahdr_cli.networks.input`) is made inside the graph.

Inputs: ``frames`` (3, h, w, 3) float32 RGB in [0, 1], display-encoded: short, reference, long;
``ratios`` (3,) float32, exposures relative to the shortest. Output: ``radiance`` (h, w, 3)
float32 in [0, 1], in units of the shortest frame's white.

The one liberty: a convolution of concatenated parts is the sum of the parts' convolutions.
Dense layers collect their inputs in groups of two layers, each group concatenated and the
groups summed, and the fold after the blocks is summed as the blocks finish. Against plain
concatenation that takes a third less memory and 2 % less time in ONNX Runtime; sums without
any concatenation take 3 to 5 % more time (``benchmarks/cpu_network.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from ahdr_cli.images import FloatArray
from ahdr_cli.networks.ahdrnet import AHDRConfig
from ahdr_cli.networks.attention import LEAKY_SLOPE
from ahdr_cli.radiometry.transfer import GAMMA

__all__ = ["OPSET", "build_onnx_graph"]

OPSET = 17
"""Old enough for every ONNX Runtime since 1.12; later versions add nothing that is used here."""

GROUP_LAYERS = 2
"""Dense layers whose outputs are concatenated before a new group begins; with 3 it is as fast and
needs 4 to 16 % more memory."""

_IR_VERSION = 8
"""Version of the file format that came with opset 17: every later reader accepts it."""


def build_onnx_graph(config: AHDRConfig, weights: Mapping[str, FloatArray]) -> ModelProto:
    """The network as an ONNX model.

    Args:
        config: of the network.
        weights: all parameters, by the names that :class:`AHDRNet` gives them.
    """
    network = _Network(config, weights)
    network.forward(*network.prepare("frames", "ratios"), result="radiance")
    graph = helper.make_graph(
        network.nodes,
        "ahdrnet",
        [
            helper.make_tensor_value_info("frames", TensorProto.FLOAT, [3, "h", "w", 3]),
            helper.make_tensor_value_info("ratios", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("radiance", TensorProto.FLOAT, ["h", "w", 3])],
        network.constants,
    )
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)


class _Value(NamedTuple):
    """A result of a node: (1, channels, h, w) where channels matter."""

    name: str
    channels: int = 0


class _Network:
    """Collects the nodes; every method takes values and returns a new one."""

    def __init__(self, config: AHDRConfig, weights: Mapping[str, FloatArray]) -> None:
        self.config = config
        self.weights = weights
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def prepare(self, frames: str, ratios: str) -> list[_Value]:
        """Each frame as (1, 6, h, w): LDR, then LDR^γ / ratio."""
        ldr = self.node("Transpose", _Value(frames, 3), perm=[0, 3, 1, 2])
        linear = self.node("Pow", ldr, self.constant(np.array(GAMMA, np.float32)))
        per_frame = self.node("Reshape", _Value(ratios), self.constant(np.array([3, 1, 1, 1])))
        both = self.concat(ldr, self.node("Div", linear, per_frame))
        return [self.node("Gather", both, self.constant(np.array([i])), axis=0) for i in range(3)]

    def forward(self, *frames: _Value, result: str) -> None:
        """(1, 6, h, w) of short, reference, long → (h, w, 3), under the name `result`."""
        short, reference, long = (self.leaky_relu(self.conv("encode", x)) for x in frames)
        if self.config.attention:
            short = self.attend("attention_short", short, reference)
            long = self.attend("attention_long", long, reference)

        x = self.conv("merge", self.concat(short, reference, long))
        folded: _Value | None = None
        for i in range(self.config.num_blocks):
            x = self.block(f"blocks.{i}", x)
            share = self.conv_share("fold", x, start=i * x.channels)
            folded = self.node("Add", folded, share) if folded else share
        assert folded is not None  # a network has blocks
        x = self.node("Add", self.conv("spread", folded), reference)
        x = self.node("Sigmoid", self.conv("output", self.conv("refine", x)))
        x = self.node("Transpose", x, perm=[0, 2, 3, 1])
        self.node("Squeeze", x, self.constant(np.array([0])), result=result)

    def attend(self, name: str, outer: _Value, reference: _Value) -> _Value:
        compared = self.leaky_relu(self.conv(f"{name}.compare", self.concat(outer, reference)))
        return self.node("Mul", outer, self.node("Sigmoid", self.conv(f"{name}.gate", compared)))

    def block(self, name: str, x: _Value) -> _Value:
        if self.config.block == "rb":
            y = self.conv(f"{name}.second", self.node("Relu", self.conv(f"{name}.first", x)))
            return self.node("Add", y, x)
        dilation = 2 if self.config.block == "drdb" else 1
        groups = [x]
        for i in range(self.config.layers):
            y = self.node("Relu", self.conv(f"{name}.layers.{i}", *groups, dilation=dilation))
            if i > 0 and i % GROUP_LAYERS == 0:
                groups.append(y)
            else:
                groups[-1] = self.concat(groups[-1], y)
        return self.node("Add", self.conv(f"{name}.fold", *groups), x)

    def conv(self, name: str, *parts: _Value, dilation: int = 1) -> _Value:
        """The convolution `name` of the concatenated parts, as a sum over them."""
        total = self.conv_share(name, parts[0], start=0, dilation=dilation)
        start = parts[0].channels
        for part in parts[1:]:
            share = self.conv_share(name, part, start=start, dilation=dilation)
            total = self.node("Add", total, share)
            start += part.channels
        return total

    def conv_share(self, name: str, x: _Value, *, start: int, dilation: int = 1) -> _Value:
        """What `x`, input channels from `start` on, contributes to the convolution `name`.

        Stride 1, zero-padded to keep the size. The bias belongs to the share from 0.
        """
        weight = self.weights[f"{name}.weight"][:, start : start + x.channels]
        inputs = [x, self.constant(weight)]
        if start == 0:
            inputs.append(self.constant(self.weights[f"{name}.bias"]))
        kernel = weight.shape[2]
        share = self.node(
            "Conv",
            *inputs,
            kernel_shape=[kernel, kernel],
            dilations=[dilation, dilation],
            pads=[dilation * (kernel - 1) // 2] * 4,
        )
        return share._replace(channels=weight.shape[0])

    def leaky_relu(self, x: _Value) -> _Value:
        return self.node("LeakyRelu", x, alpha=LEAKY_SLOPE)

    def concat(self, *parts: _Value) -> _Value:
        joined = self.node("Concat", *parts, axis=1)
        return joined._replace(channels=sum(part.channels for part in parts))

    def constant(self, values: NDArray[np.generic]) -> _Value:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return _Value(name)

    def node(
        self, operator: str, *inputs: _Value, result: str = "", **attributes: float | list[int]
    ) -> _Value:
        """Any operator; most keep the channels of their first input."""
        result = result or f"value_{len(self.nodes)}"
        names = [value.name for value in inputs]
        self.nodes.append(helper.make_node(operator, names, [result], **attributes))
        return _Value(result, inputs[0].channels)
