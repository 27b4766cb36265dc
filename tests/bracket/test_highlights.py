"""Raised highlights: right, continuous, never where something moved, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.bracket import lit_frame
from ahdr_cli.bracket.highlights import raise_highlights
from ahdr_cli.bracket.lit_frame import NEAR_WHITE, LitFrame
from ahdr_cli.radiometry.transfer import gamma_decode

SHORT, SHORTER = -2.0, -4.0
WHITE = 2.0**-SHORT
"""Of the short frame, in units of the reference's."""


def exposed(light, ev):
    return (np.rint(np.clip(light * 2.0**ev, 0, 1) ** (1 / 2.2) * 255) / 255).astype(np.float32)


def lit(light, ev, *, gain=1.0):
    """A frame that says `ev`, and got `gain` times as much light."""
    return LitFrame(source=exposed(light * gain, ev), table=None, white=2.0**-ev)


def merged(light):
    """A perfect merge that ends at the short frame's white."""
    return np.minimum(light, WHITE).astype(np.float32)


def lamp(size=96, peak=12.0, radius=8.0, glow=0.3, colour=(1.0, 0.8, 0.5), centre=(0.0, 0.0)):
    """A lamp with a soft edge in a glow, (size, size, 3)."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    distance = np.hypot(x - centre[0], y - centre[1])
    light = glow + peak / (1 + np.exp((distance - radius) / 1.5))
    light = light + 2.0 * np.exp(-((distance / 24.0) ** 2))
    return light[..., None] * np.array(colour)


def raised(light, *, shorter=None, merge=None, longer=None):
    radiance = merged(light) if merge is None else merge.copy()
    raise_highlights(radiance, longer or lit(light, SHORT), shorter or lit(light, SHORTER))
    return radiance


def test_light_is_what_the_shorter_frame_shows():
    light = lamp()
    result = raised(light)
    assert merged(light).max() == WHITE
    np.testing.assert_allclose(result, light, rtol=0.05, atol=0.02)


def test_nothing_shows_where_the_frames_take_over():
    """From the middle of a lamp outwards light falls, without a ring, and no hue changes."""
    light = lamp(size=192, radius=20)
    result = raised(light)[95, 96:]
    assert (np.diff(result, axis=0) < 0.02 * result[1:]).all()
    hue, true = (row / row.sum(axis=1, keepdims=True) for row in (result, light[95, 96:]))
    np.testing.assert_allclose(hue, true, atol=0.01)


@pytest.mark.parametrize("shift", [(0.4, 0.0), (-0.3, 0.5)])
def test_a_fraction_of_a_pixel_of_motion_makes_no_ring(shift):
    light = lamp()
    result = raised(light, shorter=lit(lamp(centre=shift), SHORTER))
    assert result.max() <= 1.05 * light.max()
    # Where it falls short it is by what the motion moved.
    around = np.stack([np.roll(light, s, a) for a in (0, 1) for s in (-1, 0, 1)])
    assert (result > 0.9 * np.minimum(around.min(axis=0), WHITE)).all()
    assert (result < 1.1 * around.max(axis=0) + 0.02).all()


def test_all_else_is_the_same_to_the_last_bit():
    light = lamp()
    frame = lit(light, SHORT)
    before = merged(light)
    changed = (raised(light) != before).any(axis=2)
    near = frame.source.max(axis=2) > NEAR_WHITE[0]
    assert changed.any()
    assert not changed[~near].any()


def test_a_frame_that_is_nowhere_white_changes_nothing():
    light = lamp(peak=1.0)
    np.testing.assert_array_equal(raised(light, shorter=lit(10 * light, SHORTER)), merged(light))


@pytest.mark.parametrize("dark", [0.0, 0.1, 1.5])
def test_what_moved_before_the_shorter_frame_leaves_the_merge(dark):
    sky = np.full((40, 40, 3), 9.0)
    bird = sky.copy()
    bird[10:20, 10:20] = dark
    result = raised(sky, shorter=lit(bird, SHORTER))
    np.testing.assert_array_equal(result[10:20, 10:20], WHITE)
    np.testing.assert_allclose(result[25:, 25:], 9.0, rtol=0.03)


def test_what_stands_before_the_light_in_the_merge_stays():
    """Somebody in the reference frame only: the merge shows them, and nothing shines through."""
    sky = np.full((40, 40, 3), 9.0)
    merge = merged(sky)
    merge[10:20, 10:20] = (0.4, 0.2, 0.1)
    result = raised(sky, merge=merge)
    np.testing.assert_array_equal(result[10:20, 10:20], merge[10:20, 10:20])
    assert (result[25:, 25:] > 8).all()


@pytest.mark.parametrize("encoded", [0.5, 0.85, 0.9])
def test_a_glint_in_the_shorter_frame_is_no_light_of_the_merge(encoded):
    wall = np.full((40, 40, 3), WHITE * encoded**2.2)
    glint = wall.copy()
    glint[18:21, 18:21] = 30.0
    result = raised(wall, shorter=lit(glint, SHORTER))
    np.testing.assert_array_equal(result[18:21, 18:21], merged(wall)[18:21, 18:21])


def test_a_white_lamp_that_passes_a_red_one():
    """The channels that are not white tell that it is another one."""
    red = np.full((40, 40, 3), (9.0, 0.4, 0.1))
    white = red.copy()
    white[10:30, 10:30] = 9.0
    result = raised(red, shorter=lit(white, SHORTER))
    np.testing.assert_array_equal(result[14:26, 14:26], merged(red)[14:26, 14:26])
    np.testing.assert_allclose(result[:6, :6], red[:6, :6], rtol=0.05, atol=0.02)


def test_a_blue_thing_before_a_white_light():
    """It lacks red, and its blue is no light of the merge."""
    sky = np.full((40, 40, 3), 9.0)
    blue = sky.copy()
    blue[10:30, 10:30] = (0.5, 0.5, 9.0)
    result = raised(sky, shorter=lit(blue, SHORTER))
    np.testing.assert_array_equal(result[10:30, 10:30], WHITE)
    np.testing.assert_allclose(result[35:, 35:], 9.0, rtol=0.03)


def test_coarse_chroma_does_not_punch_holes():
    """Small white windows in a yellow wall, whose blue a JPEG spreads over the wall."""
    light = np.full((48, 48, 3), (6.0, 5.0, 0.3))
    light[::8, ::6], light[1::8, ::6], light[2::8, ::6] = 12.0, 12.0, 12.0
    spread = exposed(light, SHORT)
    blue = spread[..., 2].reshape(24, 2, 24, 2).mean(axis=(1, 3))
    spread[..., 2] = np.kron(blue, np.ones((2, 2), np.float32))
    longer = LitFrame(source=spread, table=None, white=WHITE)
    result = raised(light, longer=longer, merge=gamma_decode(spread) * np.float32(WHITE))
    assert (result[..., 0] > 0.9 * light[..., 0]).all()


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 3.0))
def test_no_channel_is_ever_lowered_whatever_the_frames_show(seed, gain):
    generator = np.random.default_rng(seed)
    merge, one, other = 2.0 ** generator.uniform(-6, 5, (3, 12, 15, 3))
    merge = merged(merge)
    longer, shorter = lit(one, SHORT), lit(other, SHORTER, gain=gain)
    result = merge.copy()
    raise_highlights(result, longer, shorter)
    assert (result >= merge).all()
    assert result.max() <= max(merge.max(), shorter.white)
    untouched = longer.source.max(axis=2) <= NEAR_WHITE[0]
    np.testing.assert_array_equal(result[untouched], merge[untouched])


def test_tiles_leave_no_seams(monkeypatch):
    light = lamp(size=150, radius=30) * np.random.default_rng(2).uniform(0.8, 1.2, (150, 150, 1))
    expected = raised(light)
    monkeypatch.setattr(lit_frame, "TILE", 17)
    np.testing.assert_allclose(raised(light), expected, rtol=1e-5)
