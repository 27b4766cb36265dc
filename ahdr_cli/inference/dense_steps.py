"""In which convolutions a dense block is computed within one buffer.

The buffer's channels are the block's input and the layers' outputs, in order. A layer wants all
that comes before its own channels. These hold its sums while some of that is still missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from ahdr_cli.networks.config import AHDRConfig

__all__ = ["DENSE_FORMS", "DenseForm", "DenseStep", "dense_steps"]

DenseForm: TypeAlias = Literal["paired", "wide", "narrow"]
"""``narrow`` computes a layer at once, from up to 224 channels for only 32, which tensor cores wait
for. ``wide`` convolves what arrives for all layers to come; sums of 480 channels go to memory and
back. ``paired`` does so with two layers' outputs at a time: sums of 288 channels."""

DENSE_FORMS: tuple[DenseForm, ...] = get_args(DenseForm)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseStep:
    """One convolution.

    Attributes:
        inputs: (first, end) of the channels that it reads.
        layers: (first, end) of the layers that it adds to, the first of which it completes.
        fresh: whether these have no sums so far.
    """

    inputs: tuple[int, int]
    layers: tuple[int, int]
    fresh: bool


def dense_steps(config: AHDRConfig, form: DenseForm) -> list[DenseStep]:
    """The convolutions of a block but its fold, in their order."""

    def begin(part: int) -> int:
        """First channel of a part: of the block's input, then of each layer's output."""
        return 0 if part == 0 else config.features + (part - 1) * config.growth

    def step(parts: tuple[int, int], layers: tuple[int, int], *, fresh: bool) -> DenseStep:
        return DenseStep(inputs=(begin(parts[0]), begin(parts[1])), layers=layers, fresh=fresh)

    count = config.layers
    if form == "narrow":
        return [step((0, i + 1), (i, i + 1), fresh=True) for i in range(count)]
    steps = [step((0, 1), (0, count), fresh=True)]
    for i in range(1, count):
        if form == "wide":
            steps.append(step((i, i + 1), (i, count), fresh=False))
        elif i % 2:
            steps.append(step((i, i + 1), (i, i + 1), fresh=False))
        else:
            steps.append(step((i - 1, i + 1), (i, count), fresh=False))
    return steps
