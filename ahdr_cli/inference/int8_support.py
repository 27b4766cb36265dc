"""Where int8 pays and is exact: which networks, and which processors.

x86 without VNNI adds pairs of 8-bit products in 16 bits, which overflow. ONNX Runtime does so
nevertheless, and a network then loses its bright parts without any error.
"""

from __future__ import annotations

import functools

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from ahdr_cli.errors import DeviceError, ModelError
from ahdr_cli.inference.onnx_writer import IR_VERSION, OPSET
from ahdr_cli.inference.onnxruntime_library import onnxruntime
from ahdr_cli.networks.config import AHDRConfig, AnyConfig

__all__ = ["require_int8"]

_CHANNELS = 64
"""Channels of the test: the network's features, so that the same kernel is tested."""

_HINT = "use --precision fp32"


def require_int8(config: AnyConfig) -> None:
    """Refuse networks and processors that int8 is not for.

    Raises:
        ModelError: the network is not AHDRNet.
        DeviceError: this processor's sums are not exact.
    """
    if not isinstance(config, AHDRConfig):
        raise ModelError(
            "int8 is for AHDRNet only; fast gains too little by it",
            hint=f"{_HINT} or --model ahdrnet",
        )
    if not _sums_are_exact():
        raise DeviceError(
            "this processor's 8-bit sums overflow (on x86, exact ones came with VNNI)", hint=_HINT
        )


@functools.cache
def _sums_are_exact() -> bool:
    """Test ONNX Runtime on a convolution of the largest values, once; it takes milliseconds."""
    expected = 200
    step = expected / (_CHANNELS * 255 * 127)
    arrays = {
        "one": np.array(1.0, np.float32),
        "zero": np.array(0, np.uint8),
        "weight": np.full((_CHANNELS, _CHANNELS, 1, 1), 127, np.int8),
        "step": np.full(_CHANNELS, step, np.float32),
        "weight_zero": np.zeros(_CHANNELS, np.int8),
    }
    inputs = ["x", "one", "zero", "weight", "step", "weight_zero", "one", "zero"]
    shape = [1, _CHANNELS, 4, 4]
    graph = helper.make_graph(
        [helper.make_node("QLinearConv", inputs, ["y"])],
        "sums_are_exact",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, shape)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (result,) = session.run(None, {"x": np.full(shape, 255, np.uint8)})
    return bool((result == expected).all())
