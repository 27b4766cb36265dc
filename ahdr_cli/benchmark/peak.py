"""The machine's own rate of multiplying matrices: what a network can be measured against."""

from __future__ import annotations

import time

from ahdr_cli.benchmark.results import Peak
from ahdr_cli.inference.devices import Precision, torch_dtype

__all__ = ["measure_peak"]

_SIDES = {"cpu": 2048}  # of square matrices: beyond caches, and some tenths of a second
_GPU_SIDE = 8192
_REPEATS = 7  # after one that is not counted


def measure_peak(*, device: str, precision: Precision) -> Peak:
    """Multiply square matrices; the best run counts.

    Args:
        device: as :func:`ahdr_cli.inference.devices.select_device` returns it.
        precision: of the factors; sums are kept as the library keeps them.
    """
    import torch

    side = _SIDES.get(device, _GPU_SIDE)
    with torch.inference_mode():
        one, two = (
            torch.rand(side, side, device=device).to(torch_dtype(precision)) for _ in range(2)
        )
        best = float("inf")
        for run in range(_REPEATS + 1):
            started = time.perf_counter()
            product = torch.mm(one, two)
            float(product[0, 0])  # waits for the device
            if run > 0:
                best = min(best, time.perf_counter() - started)
    return Peak(flops=2.0 * side**3 / best, threads=torch.get_num_threads(), precision=precision)
