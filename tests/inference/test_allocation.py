"""Failed allocations are recognised by what each library says, and nothing else is."""

from __future__ import annotations

import pytest
import torch

from ahdr_cli.errors import DeviceError, OutOfMemoryError
from ahdr_cli.inference.allocation import is_out_of_memory, translated_allocation_errors


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has …"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: not enough memory"
        ),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB, max allowed: 2 GB)"),
        RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"),
        RuntimeError("could not create a primitive"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
)
def test_failed_allocations_are_recognised(error):
    assert is_out_of_memory(error)
    with pytest.raises(OutOfMemoryError) as caught, translated_allocation_errors():
        raise error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), KeyboardInterrupt()])
def test_other_errors_pass(error):
    assert not is_out_of_memory(error)
    with pytest.raises(type(error)), translated_allocation_errors():
        raise error


def test_our_own_errors_pass_unchanged():
    error = DeviceError("out of memory of another kind")
    with pytest.raises(DeviceError) as caught, translated_allocation_errors():
        raise error
    assert caught.value is error


def test_real_allocators_are_recognised():
    with pytest.raises(OutOfMemoryError), translated_allocation_errors():
        torch.empty(2**50)  # more than the address space
