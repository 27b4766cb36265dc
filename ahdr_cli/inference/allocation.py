"""Failed allocations of all libraries, translated into one error.

PyTorch raises ``torch.OutOfMemoryError`` on a GPU but a bare RuntimeError from its CPU and MPS
allocators, ONNX Runtime a RuntimeException, numpy a MemoryError. Only the message distinguishes
such an error from others.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from ahdr_cli.errors import AhdrError, OutOfMemoryError

__all__ = ["is_out_of_memory", "translated_allocation_errors"]

_PHRASES = (
    "out of memory",  # torch on CUDA and MPS
    "not enough memory",  # torch's CPU allocator
    "can't allocate memory",  # the same, elsewhere
    "failed to allocate memory",  # ONNX Runtime's arena
    "bad_alloc",  # C++, passed through
    "bad allocation",  # the same on Windows
    "insufficient memory",  # OpenCV
    "could not create a primitive",  # oneDNN, which torch's convolutions on CPUs are made of
    "alloc_failed",  # cuDNN and cuBLAS status codes
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of any library means that an allocation failed."""
    if isinstance(error, MemoryError):
        return True
    # The classes of torch and ONNX Runtime are not looked at, so that neither is imported here.
    text = str(error).lower()
    return isinstance(error, Exception) and any(phrase in text for phrase in _PHRASES)


@contextmanager
def translated_allocation_errors() -> Iterator[None]:
    """Turn failed allocations inside into :class:`OutOfMemoryError`; others pass."""
    try:
        yield
    except AhdrError:
        raise
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        reason = textwrap.shorten(str(error), width=160, placeholder=" …")
        reason = reason or type(error).__name__
        raise OutOfMemoryError(f"an allocation failed: {reason}") from error
