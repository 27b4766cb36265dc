"""How the Triton runtime's kernel cuts a convolution, by its shape: made for an H100 or H200.

Found by compiling for compute capability 9.0 and by counting, not by measuring: what compiles to
no spilled registers and fits 227 KiB of shared memory, and of that what fetches least from the
second cache. ``benchmarks/gpu_kernels.py`` repeats it, ``benchmarks/gpu.md`` has the table.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PIXELS", "Blocks", "choose_blocks"]

PIXELS = 128
"""Pixels of a patch: of two warpgroups, each multiplies 64 rows by as many columns as there are."""

_ALONE = {64: 4, 128: 3, 192: 2}
"""Highest stacks by width, the output channels of a program, for programs that have a
multiprocessor to themselves. The sums then take up to 192 of a thread's 255 registers. Five lines
of 64 channels would fit as well; more programs share the picture more evenly."""

_IN_PAIRS = {32: 4, 96: 2, 128: 1}
"""Likewise for threads of 128 registers, so that a multiprocessor holds two programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Sizes of a program's blocks, as :func:`ahdr_cli.inference.triton_kernel.convolve` has them.

    Attributes:
        lines: patches of a stack.
        step: input channels of a product.
        first: output channels of a program.
        second: further ones.
        stages: fetches under way, the one in use included.
        registers: most of a thread, so that a multiprocessor holds two programs; None for any.
        warps: of a program.
    """

    lines: int
    step: int
    first: int
    second: int
    stages: int
    registers: int | None = None
    warps: int = 8

    @property
    def width(self) -> int:
        """All output channels of a program."""
        return self.first + self.second

    def ranges(self, outputs: int) -> int:
        """How many programs share the output channels."""
        return -(-outputs // self.width)


def choose_blocks(*, taps: int, inputs: int, outputs: int, tall: bool = True) -> Blocks:
    """The blocks for a convolution.

    Args:
        taps: 3 or 1.
        inputs: channels.
        outputs: channels.
        tall: whether stacks are as high as registers allow, which fetches least, rather than so
            high that a multiprocessor holds two programs, of which one computes while the other
            begins or ends.
    """
    # For 16 input channels, which the encoder has, storing takes longer than all the rest.
    alone = tall and inputs > 16
    highest = _ALONE if alone else _IN_PAIRS
    ranges = -(-outputs // max(highest))
    first, second = _split(-(-outputs // ranges))
    width = first + second
    step = 16 if inputs <= 16 else 32 if taps == 3 or inputs <= 32 else 64
    if taps == 1:
        # No tap shares a patch with another one, and sums are few: three programs fit.
        return Blocks(lines=1, step=step, first=first, second=second, stages=3)
    alone = alone and width > min(_IN_PAIRS)
    return Blocks(
        lines=next(lines for most, lines in highest.items() if width <= most),
        step=step,
        first=first,
        second=second,
        stages=3 if alone else 2,
        registers=None if alone else 128,
    )


def _split(outputs: int) -> tuple[int, int]:
    """Two powers of two, at least 16, or one and none, that hold so many channels tightly."""
    first = 16
    while 2 * first <= outputs:
        first *= 2
    rest = outputs - first
    if rest <= 0:
        return first, 0
    second = 16
    while second < rest:
        second *= 2
    return (2 * first, 0) if second == first else (first, second)
