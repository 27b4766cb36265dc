"""`Observer`: the values of a network's activations, for calibration."""

from __future__ import annotations

from collections.abc import Mapping

from onnx import TensorProto, helper

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.onnx_graph import build_onnx_graph
from ahdr_cli.inference.onnx_runtime import open_session
from ahdr_cli.networks.activations import activations
from ahdr_cli.networks.config import AHDRConfig

__all__ = ["Observer"]


class Observer:
    """Runs a network's graph in float32, with the activations as further outputs.

    Args:
        config: of the network.
        weights: all parameters, by the names that the network's module gives them.
    """

    def __init__(self, config: AHDRConfig, weights: Mapping[str, FloatArray]) -> None:
        self._names = tuple(activations(config))
        graph = build_onnx_graph(config, weights)
        graph.graph.output.extend(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self._names
        )
        self._session = open_session(graph)

    def __call__(self, frames: FloatArray, conditions: FloatArray) -> dict[str, FloatArray]:
        """The activations of a merge, each (1, channels, h, w), by name.

        Args:
            frames: (3, h, w, 3), as :class:`ahdr_cli.inference.runtime.Runtime` takes them.
            conditions: (4,), likewise.
        """
        values = self._session.run(list(self._names), {"frames": frames, "conditions": conditions})
        return dict(zip(self._names, values, strict=True))
