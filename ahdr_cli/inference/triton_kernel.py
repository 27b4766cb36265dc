"""The Triton runtime's one kernel: a convolution between slices of channels-last buffers.

It is a matrix product: rows are pixels, columns output channels, and what is summed over are taps
and input channels, multiplied on tensor cores and added up in float32. Bias, activation and what
the result is combined with follow before anything is stored, so that values pass through memory
once, and since slices are read and written where they lie, nothing is ever concatenated.

A program computes a stack of `lines` patches, each `dilation` rows high and `columns` wide. One
tap further down is then the next patch, so that each patch that is fetched serves up to three
lines: (lines + 2) · 3 fetches instead of lines · 9. Fetches from the second cache, not tensor
cores, are what bounds such a convolution; ``benchmarks/gpu.md`` counts them.

This is the only module that imports triton, which comes with torch's CUDA builds on Linux.
"""

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["convolve", "start_driver"]


def start_driver() -> None:
    """Have Triton get ready for the GPU, for which it compiles a little C; the errors are its own.

    Without a compiler or Python's headers it cannot.
    """
    triton.runtime.driver.active.get_current_target()


@triton.jit(do_not_specialize=["height", "width", "steps"])
def convolve(
    source: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    target: tl.tensor,
    other: tl.tensor,
    copy: tl.tensor,
    height: int,
    width: int,
    steps: int,
    source_stride: int,
    target_stride: int,
    other_stride: int,
    copy_stride: int,
    inputs: tl.constexpr,
    outputs: tl.constexpr,
    active: tl.constexpr,
    taps: tl.constexpr,
    dilation: tl.constexpr,
    combine: tl.constexpr,
    activation: tl.constexpr,
    lines: tl.constexpr,
    columns: tl.constexpr,
    step: tl.constexpr,
    first: tl.constexpr,
    second: tl.constexpr,
) -> None:
    """Convolve one stack of patches (axis 0 of the grid) to one range of channels (axis 1).

    Tensors are given at the first channel of a slice; a pixel's neighbour in a row is `_stride`
    values further. All are of one 16-bit type but the bias, which is float32.

    Args:
        source: (height, width, inputs).
        weight: (steps, taps, step, ranges · (first + second)); steps are the taps across of the
            first `step` input channels, then of the next ones; the taps within one run down.
            Zero beyond `inputs` and `outputs`.
        bias: (ranges · (first + second),); None for none.
        target: (height, width, outputs), written.
        other: like the target, what results are combined with; may be the target itself.
        copy: like the target, written as well; None for none.
        height: of the picture in pixels, beyond which all is zero.
        width: likewise; width · columns of a stack · stride stay below 2³¹.
        steps: of the sum.
        source_stride: values from pixel to pixel; likewise the others.
        target_stride: see there.
        other_stride: see there.
        copy_stride: see there.
        inputs: channels.
        outputs: channels.
        active: so many of the outputs, from the first on, pass through the activation.
        taps: 3 or 1, down and across.
        dilation: pixels from tap to tap.
        combine: ``none``, ``add`` the other before the activation, or ``multiply`` after it.
        activation: ``none``, ``relu``, ``leaky`` or ``sigmoid``.
        lines: patches of a stack.
        columns: width of a patch; columns · dilation is a power of two, at least 16.
        step: input channels that one product sums over, a power of two, at least 16.
        first: output channels of a range, a power of two, at least 16.
        second: further ones; a range need not be a power of two then. 0 for none.
    """
    across = (width + columns - 1) // columns
    top = tl.program_id(0) // across * (lines * dilation)
    left = tl.program_id(0) % across * columns
    place = tl.arange(0, dilation * columns)
    y = place // columns
    x = place % columns
    # Within a stack 32 bits are enough, and cost half the registers; its corner needs 64.
    around = y * width + x
    channel = tl.arange(0, step)
    reads = around[:, None] * source_stride + channel[None, :]
    start = tl.program_id(1) * (first + second)
    padded: tl.constexpr = (first + second) * ((outputs + first + second - 1) // (first + second))
    main = tl.arange(0, first)
    rest = tl.arange(0, second if second else 1)
    rows = channel[:, None] * padded
    sums = (tl.full((dilation * columns, first), 0, tl.float32),) * lines
    more = (tl.full((dilation * columns, second if second else 1), 0, tl.float32),) * lines
    for number in tl.range(steps):
        begin = number // taps * step
        aside = left + (number % taps - taps // 2) * dilation
        beside = (x >= -aside) & (x < width - aside)
        weights = weight + number * (taps * step * padded) + start
        kernel = ()
        more_kernel = ()
        for down in tl.static_range(taps):
            kernel = kernel + (tl.load(weights + down * step * padded + (rows + main[None, :])),)
            if second:
                further = weights + down * step * padded + first
                more_kernel = more_kernel + (tl.load(further + (rows + rest[None, :])),)
        for patch in tl.static_range(lines + taps - 1):
            up = top + (patch - taps // 2) * dilation
            wanted = (beside & (y >= -up) & (y < height - up))[:, None]
            if inputs % step:
                wanted = wanted & (channel < inputs - begin)[None, :]
            corner = (up.to(tl.int64) * width + aside) * source_stride + begin
            # What is not wanted may be anything, NaN included, and is not read.
            values = tl.load(source + corner + reads, mask=wanted, other=0)
            for down in tl.static_range(taps):
                if (patch >= down) and (patch - down < lines):
                    # An expression, since a variable would not be known when this is compiled.
                    total = tl.dot(values, kernel[down], sums[patch - down])
                    sums = sums[: patch - down] + (total,) + sums[patch - down + 1 :]
                    if second:
                        total = tl.dot(values, more_kernel[down], more[patch - down])
                        more = more[: patch - down] + (total,) + more[patch - down + 1 :]
    for line in tl.static_range(lines):
        up = top + line * dilation
        inside = (y < height - up) & (x < width - left)
        corner = up.to(tl.int64) * width + left
        for part in tl.static_range(2 if second else 1):
            _finish(
                more[line] if part else sums[line],
                rest if part else main,
                start + part * first,
                corner,
                around,
                inside,
                bias,
                target,
                other,
                copy,
                target_stride,
                other_stride,
                copy_stride,
                outputs,
                active,
                combine,
                activation,
                padded,
            )


@triton.jit
def _finish(
    value: tl.tensor,
    column: tl.tensor,
    start: tl.tensor,
    corner: tl.tensor,
    around: tl.tensor,
    inside: tl.tensor,
    bias: tl.tensor,
    target: tl.tensor,
    other: tl.tensor,
    copy: tl.tensor,
    target_stride: int,
    other_stride: int,
    copy_stride: int,
    outputs: tl.constexpr,
    active: tl.constexpr,
    combine: tl.constexpr,
    activation: tl.constexpr,
    padded: tl.constexpr,
) -> None:
    """What follows the sums of a patch's pixels, (pixels, channels) in float32.

    NaN stays NaN, as in torch: it tells that the range of 16 bits was left.
    """
    channel = start + column
    wanted = inside[:, None]
    if outputs < padded:
        wanted = wanted & (channel < outputs)[None, :]
    if bias is not None:
        value = value + tl.load(bias + channel)[None, :]
    if combine != "none":
        beside = around[:, None] * other_stride + column[None, :]
        given = tl.load(other + (corner * other_stride + start) + beside, mask=wanted, other=0)
        given = given.to(tl.float32)
    if combine == "add":
        value = value + given
    if activation == "relu":
        passed = tl.where(value < 0, 0.0, value)
    elif activation == "leaky":
        passed = tl.where(value < 0, 0.01 * value, value)
    elif activation == "sigmoid":
        passed = 1 / (1 + tl.exp(-value))
    else:
        passed = value
    if active < outputs:
        value = tl.where((channel < active)[None, :], passed, value)
    else:
        value = passed
    if combine == "multiply":
        value = value * given
    result = value.to(target.dtype.element_ty)
    there = around[:, None] * target_stride + column[None, :]
    tl.store(target + (corner * target_stride + start) + there, result, mask=wanted)
    if copy is not None:
        there = around[:, None] * copy_stride + column[None, :]
        tl.store(copy + (corner * copy_stride + start) + there, result, mask=wanted)
