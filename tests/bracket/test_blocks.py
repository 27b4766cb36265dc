"""Blocks of a bracket: as many, and of the values, that looking at them one by one gives."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from ahdr_cli.bracket.blocks import compare_blocks
from ahdr_cli.radiometry.noise import BLOCK, EXPOSED, READ
from ahdr_cli.radiometry.transfer import gamma_decode

RATIOS = np.array([1.0, 4.0, 16.0])


def blocks_of(frame):
    """(K, `BLOCK`, `BLOCK`, 3), row by row; a small frame is looked at entirely."""
    height, width = frame.shape[:2]
    return [
        frame[top : top + BLOCK, left : left + BLOCK]
        for top in range(0, height - BLOCK + 1, BLOCK)
        for left in range(0, width - BLOCK + 1, BLOCK)
    ]


@pytest.mark.parametrize("size", [(64, 96), (67, 45), (7, 100)])
def test_blocks_are_compared_as_one_by_one(size):
    rng = np.random.default_rng(3)
    frames = [(rng.random((*size, 3)) * white).astype(np.float32) for white in (0.9, 0.95, 1.0)]
    light, noise, grain = ([], []), ([], []), []
    for blocks in zip(*map(blocks_of, frames), strict=True):
        exposed = [*zip(blocks, RATIOS, strict=True)]
        for pair, ((dark, low), (bright, high)) in enumerate(pairwise(exposed)):
            if not (dark.mean() > EXPOSED[0] and bright.max() < EXPOSED[1]):
                continue
            one, two = (gamma_decode(each.astype(np.float64)) for each in (dark, bright))
            means = [one.mean(axis=(0, 1)), two.mean(axis=(0, 1))]
            variance = (two / high - one / low).reshape(-1, 3).var(axis=0, ddof=1).mean()
            expected = (means[0].mean() + READ) / low**2 + (means[1].mean() + READ) / high**2
            light[pair].append(means)
            noise[pair].append(variance / expected)
        if blocks[1].mean() > EXPOSED[0] and blocks[1].max() < EXPOSED[1]:
            own = gamma_decode(blocks[1].astype(np.float64))
            rows = own[::2] - own[1::2]
            twist = (rows[:, ::2] - rows[:, 1::2]) / 2
            grain.append(np.square(twist).mean() / (own.mean() + READ))
    found = compare_blocks(frames, RATIOS)
    for pair in range(2):
        expected = np.reshape(light[pair], (-1, 2, 3))
        np.testing.assert_allclose(found.pairs[pair].light, expected, rtol=1e-5)
        np.testing.assert_allclose(found.pairs[pair].noise, noise[pair], rtol=1e-5)
    np.testing.assert_allclose(found.grain, grain, rtol=1e-5)


def test_a_large_frame_is_looked_at_in_places_spread_evenly():
    frames = [np.full((1000, 1500, 3), 0.5, np.float32) for _ in RATIOS]
    assert len(compare_blocks(frames, RATIOS).grain) == 25 * 16 * 16
