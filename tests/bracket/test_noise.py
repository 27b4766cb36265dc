"""The noise of a bracket: found where it is known, whatever else differs between the frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.bracket.blocks import compare_blocks
from ahdr_cli.bracket.noise import estimate_noise, noise_between
from ahdr_cli.radiometry.noise import GRAIN_BIAS, HIDDEN, LIKELY, QUANTILE, QUIETEST, READ
from ahdr_cli.radiometry.transfer import gamma_encode

RATIOS = np.array([1.0, 4.0, 16.0])


def texture(size, *, seed=0):
    """(h, w, 3) radiance between 0.005 and 0.04 of the shortest frame's white, busy everywhere."""
    rng = np.random.default_rng(seed)
    return 0.005 * 8.0 ** rng.random((*size, 3))


def photograph(radiance, noise, *, ratios=RATIOS, seed=1):
    """Three frames with the variance noise · (light + READ), 16 bits."""
    rng = np.random.default_rng(seed)
    frames = []
    for ratio in ratios:
        light = radiance * ratio
        light = light + rng.standard_normal(light.shape) * np.sqrt(noise * (light + READ))
        encoded = gamma_encode(light.clip(0.0, 1.0))
        frames.append((np.round(encoded * 65535) / 65535).astype(np.float32))
    return frames


@pytest.mark.parametrize("noise", [3e-6, 1e-4, 1e-3])
def test_texture_is_no_noise(noise):
    found = estimate_noise(compare_blocks(photograph(texture((160, 160)), noise), RATIOS))
    assert found == pytest.approx(noise, rel=0.15)


def test_motion_in_most_of_the_picture_is_no_noise():
    still = photograph(texture((160, 160)), 1e-4)
    moved = photograph(texture((160, 160), seed=7), 1e-4)
    for frame, other in zip(still[::2], moved[::2], strict=True):
        frame[:120] = other[:120]
    assert estimate_noise(compare_blocks(still, RATIOS)) == pytest.approx(1e-4, rel=0.4)


def test_a_difference_of_brightness_is_no_noise():
    frames = photograph(np.full((96, 96, 3), 0.02), 1e-5)
    brighter = [frame * scale for frame, scale in zip(frames, (0.97, 1.0, 1.05), strict=True)]
    assert estimate_noise(compare_blocks(brighter, RATIOS)) == pytest.approx(1e-5, rel=0.2)


def test_the_pair_that_says_less_is_believed():
    frames = photograph(texture((96, 96)), 1e-4)
    frames[2] = photograph(texture((96, 96), seed=7), 1e-4)[2]
    assert estimate_noise(compare_blocks(frames, RATIOS)) == pytest.approx(1e-4, rel=0.2)


def test_what_frames_differ_by_without_any_grain_is_no_noise():
    """Flat frames that the camera's compression changed a little, each in its own way."""
    frames = [gamma_encode(np.full((160, 160, 3), 0.02 * ratio)) for ratio in RATIOS]
    y, x = np.mgrid[:160, :160] / 6.0
    waves = (np.sin(x + y), np.sin(x - 2 * y), np.sin(2 * x + y))
    frames = [f + 0.01 * wave[..., None] for f, wave in zip(frames, waves, strict=True)]
    between = noise_between(compare_blocks(frames, RATIOS).pairs)
    assert estimate_noise(compare_blocks(frames, RATIOS)) == pytest.approx(HIDDEN * between)


def test_texture_of_one_frame_is_no_noise():
    """There what the frames differ by is believed."""
    blocks = compare_blocks(photograph(texture((160, 160)), 1e-5), RATIOS)
    assert np.median(blocks.grain) > 1e-3
    assert estimate_noise(blocks) == pytest.approx(1e-5, rel=0.15)


@pytest.mark.parametrize("noise", [3e-6, 1e-4, 1e-3])
def test_where_there_is_no_texture_both_ways_agree(noise):
    blocks = compare_blocks(photograph(np.full((160, 160, 3), 0.02), noise), RATIOS)
    assert np.median(blocks.grain) == pytest.approx(noise, rel=0.1)
    assert np.quantile(blocks.grain, QUANTILE) * GRAIN_BIAS == pytest.approx(noise, rel=0.15)
    assert noise_between(blocks.pairs) == pytest.approx(noise, rel=0.15)


def test_pictures_without_noise_have_the_least():
    frames = [gamma_encode(np.full((64, 64, 3), 0.02) * ratio) for ratio in RATIOS]
    assert estimate_noise(compare_blocks(frames, RATIOS)) == QUIETEST


@pytest.mark.parametrize("grey", [0.0, 1e-5, 1.0])
def test_frames_that_do_not_tell(grey):
    frames = [gamma_encode(np.full((64, 64, 3), min(grey * ratio, 1.0))) for ratio in RATIOS]
    assert estimate_noise(compare_blocks(frames, RATIOS)) == LIKELY


class Counting:
    """A source that counts the pixels that are asked for."""

    def __init__(self, pixels):
        self.pixels, self.shape, self.read = pixels, pixels.shape, 0

    def __getitem__(self, box):
        cut = self.pixels[box]
        self.read += cut.shape[0] * cut.shape[1]
        return cut


def test_of_a_large_picture_a_part_is_looked_at():
    tile = photograph(texture((256, 256)), 1e-4)
    sources = [Counting(np.tile(frame, (5, 6, 1))) for frame in tile]
    assert estimate_noise(compare_blocks(sources, RATIOS)) == pytest.approx(1e-4, rel=0.15)
    assert {source.read for source in sources} == {25 * 128 * 128}


@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    spread=st.floats(0.0, 1.0),
    seed=st.integers(0, 99),
)
def test_any_picture_has_an_estimate(size, spread, seed):
    rng = np.random.default_rng(seed)
    frames = [(0.5 + spread * (rng.random((*size, 3)) - 0.5)).astype(np.float32) for _ in range(3)]
    found = estimate_noise(compare_blocks(frames, RATIOS))
    assert np.isfinite(found) and found >= QUIETEST
