"""The kernel under Triton's interpreter, which computes with numpy what a GPU would."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig


@pytest.fixture(scope="session")
def has_triton() -> None:
    pytest.importorskip("triton", reason="needs triton, which there is for Linux only")


@pytest.fixture
def interpreted(monkeypatch, has_triton) -> None:
    """Launches are interpreted, on tensors of the CPU; nothing of that outlives a test."""
    import triton.language as tl
    from triton.runtime import interpreter

    from ahdr_cli.inference import triton_kernel

    for name in ("convolve", "_finish"):
        function = getattr(triton_kernel, name).fn
        monkeypatch.setattr(triton_kernel, name, interpreter.InterpretedFunction(function))

    builder_class = interpreter.InterpreterBuilder
    multiply, cast = builder_class.create_dot, builder_class.cast_impl

    def create_dot(builder, a, b, *others):
        """The interpreter's own multiplies the bits of bfloat16 as if they were integers."""
        if a.dtype == tl.bfloat16:
            a, b = (builder.cast_impl(x, tl.float32) for x in (a, b))
        return multiply(builder, a, b, *others)

    def cast_impl(builder, source, target):
        """The interpreter's own cuts float32 off where a GPU rounds it to bfloat16."""
        if (source.dtype.scalar, target.scalar) != (tl.float32, tl.bfloat16):
            return cast(builder, source, target)
        rounded = torch.from_numpy(np.array(source.data)).bfloat16().view(torch.int16).numpy()
        return interpreter.TensorHandle(rounded.view(np.uint16), tl.bfloat16)

    monkeypatch.setattr(builder_class, "create_dot", create_dot)
    monkeypatch.setattr(builder_class, "cast_impl", cast_impl)


@pytest.fixture
def unwritten_is_nan(monkeypatch) -> None:
    """Memory that nothing has been written to is NaN."""
    from ahdr_cli.inference import triton_body

    def empty(*shape: int, dtype: torch.dtype, device: torch.device) -> Tensor:
        return torch.full(shape, torch.nan, dtype=dtype, device=device)

    monkeypatch.setattr(triton_body, "_empty", empty)


@pytest.fixture(scope="session")
def strong_network() -> Callable[..., AHDRNet]:
    """A small network in which every layer matters."""

    def make(**shape: object) -> AHDRNet:
        torch.manual_seed(1)
        small = {"features": 8, "growth": 4, "layers": 3, "num_blocks": 2}
        network = AHDRNet(AHDRConfig(**(small | shape))).eval()
        for parameter in network.parameters():
            if parameter.ndim == 4:
                torch.nn.init.xavier_normal_(parameter, gain=1.5)
            else:
                torch.nn.init.normal_(parameter, std=0.1)
        return network

    return make


@pytest.fixture(scope="session")
def kernels(load_benchmark, has_triton) -> ModuleType:
    """The benchmark that compiles."""
    return load_benchmark("gpu_kernels")
