"""Blocks hold what they are chosen for, and not much more."""

from __future__ import annotations

import itertools

import pytest

from ahdr_cli.inference.triton_blocks import choose_blocks


def power_of_two(value: int) -> bool:
    return value >= 16 and value & (value - 1) == 0


@pytest.mark.parametrize("tall", [True, False])
def test_every_convolution_has_blocks(tall):
    for taps, inputs, outputs in itertools.product((1, 3), (1, 16, 17, 32, 96, 224), range(1, 450)):
        blocks = choose_blocks(taps=taps, inputs=inputs, outputs=outputs, tall=tall)
        assert power_of_two(blocks.first) and power_of_two(blocks.step)
        assert blocks.second == 0 or power_of_two(blocks.second)
        width = blocks.ranges(outputs) * (blocks.first + blocks.second)
        assert outputs <= width < max(1.5 * outputs + 16, 32)
        # The sums of a thread, of which there are 256, must leave registers for all else.
        assert blocks.lines * 128 * (blocks.first + blocks.second) / 256 <= 192
