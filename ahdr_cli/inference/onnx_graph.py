"""A network as an ONNX graph, whatever its family.

Inputs: ``frames`` (3, h, w, 3) float32 RGB in [0, 1], display-encoded: short, reference, long;
``conditions`` (4,) float32, exposures relative to the shortest and the noise. Output: ``radiance``
(h, w, 3) float32 in [0, 1], in units of the shortest frame's white. The network's own input
(:mod:`ahdr_cli.networks.input`) is made inside the graph.
"""

from __future__ import annotations

from collections.abc import Mapping

from onnx import ModelProto

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.onnx_ahdrnet import build_ahdrnet
from ahdr_cli.inference.onnx_fastnet import build_fastnet
from ahdr_cli.networks.config import AHDRConfig, AnyConfig

__all__ = ["build_onnx_graph"]


def build_onnx_graph(
    config: AnyConfig,
    weights: Mapping[str, FloatArray],
    *,
    bounds: Mapping[str, float] | None = None,
) -> ModelProto:
    """The network as an ONNX model.

    Args:
        config: of the network.
        weights: all parameters, by the names that the network's module gives them.
        bounds: largest absolute value that is kept of each activation, for a graph in 8 bits
            where that pays; None, all is in float32.
    """
    if isinstance(config, AHDRConfig):
        return build_ahdrnet(config, weights, bounds=bounds)
    assert bounds is None  # there is no such form of FastNet
    return build_fastnet(config, weights)
