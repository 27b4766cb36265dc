"""How far two frames agree: the gain between them, and what one lacks."""

from __future__ import annotations

import numpy as np
import pytest

from ahdr_cli.bracket import lit_frame, overlap
from ahdr_cli.bracket.lit_frame import NEAR_WHITE, LitFrame
from ahdr_cli.bracket.overlap import contradicted_share, measured_gain, white_share

SHORT, SHORTER = -2.0, -4.0


def lit(light, ev, *, gain=1.0):
    """A frame that says `ev`, and got `gain` times as much light."""
    encoded = np.rint(np.clip(light * gain * 2.0**ev, 0, 1) ** (1 / 2.2) * 255) / 255
    return LitFrame(source=encoded.astype(np.float32), table=None, white=2.0**-ev)


def sunset():
    """A sky that grows brighter towards the horizon, (128, 96, 3)."""
    light = np.zeros((128, 96, 3)) + np.geomspace(0.5, 12.0, 128)[:, None, None]
    return light * np.array((1.0, 0.8, 0.5))


@pytest.mark.parametrize("gain", [0.8, 1.0, 1.07, 1.3])
def test_a_shutter_that_is_not_what_it_says_is_measured(gain):
    light = sunset()
    found = measured_gain(lit(light, SHORT), lit(light, SHORTER, gain=gain))
    assert found == pytest.approx(1 / gain, rel=0.01)


def test_what_moved_does_not_change_the_gain():
    light = sunset()
    moved = light.copy()
    moved[:40] = 0.1
    assert measured_gain(lit(light, SHORT), lit(moved, SHORTER)) == pytest.approx(1, rel=0.01)


def test_a_lamp_tells_the_gain_wherever_it_is(monkeypatch):
    """Of a large picture parts are looked at, one after the other until there is enough."""
    monkeypatch.setattr(overlap, "_SEEN", 4 * lit_frame.TILE**2)
    y, x = np.mgrid[:500, :1500]  # two rows of six tiles, in three parts
    for column in range(6):
        glow = 12 / (1 + (np.hypot(x - 256 * column - 110, y - 120) / 30) ** 3)
        light = (0.02 + glow)[..., None] * np.ones(3)
        found = measured_gain(lit(light, SHORT), lit(light, SHORTER, gain=0.8))
        assert found == pytest.approx(1.25, rel=0.02)


def test_too_little_in_common_tells_no_gain():
    night = np.full((64, 64, 3), 0.001)
    night[30:34, 30:34] = 50.0
    assert measured_gain(lit(night, SHORT), lit(night, SHORTER)) is None
    tiny = np.full((3, 2, 3), 2.0)  # not one block
    assert measured_gain(lit(tiny, SHORT), lit(tiny, SHORTER)) is None


def test_frames_of_different_scenes_tell_no_gain():
    generator = np.random.default_rng(1)
    one, other = (
        np.kron(2.0 ** generator.uniform(0, 1.9, (20, 20, 1)), np.ones((8, 8, 3)))
        * 2.0 ** (spread * np.kron(generator.uniform(-1, 1, (20, 20, 1)), np.ones((8, 8, 1))))
        for spread in (0, 2)
    )
    assert measured_gain(lit(one, SHORT), lit(other, SHORTER)) is None


def test_whiteness_counts_what_a_table_makes_white():
    pixels = np.full((10, 10, 3), 0.7, np.float32)
    pixels[:2, :, 1] = 1.0
    table = np.minimum(np.linspace(0, 1.5, 65536), 1).astype(np.float32)

    def share(source, table):
        return white_share(LitFrame(source=source, table=table, white=1.0))

    assert share(pixels, None) == pytest.approx(0.2)
    assert share(pixels, table) == 1.0
    assert share(pixels * np.float32(0.5), table) == 0.0


@pytest.mark.parametrize("bend", [0.6, 1.0, 1.7])
def test_what_is_white_before_or_after_matching_is_white(bend):
    """However a table bends, nothing that is nearly white is passed over."""
    table = (np.linspace(0, 1, 65536) ** bend).astype(np.float32)
    values = np.linspace(0.6, 1.0, 2001, dtype=np.float32)
    either = np.maximum(values, table[np.rint(values * 65535).astype(int)])
    for value, most in zip(values, either, strict=True):
        pixels = np.full((2, 3, 3), 0.2, np.float32)
        pixels[1, 2, 1] = value
        frame = LitFrame(source=pixels, table=table, white=1.0)
        whole = slice(0, 2), slice(0, 3)
        encoded, _ = frame.tile(whole)
        assert encoded[1, 2, 1] == frame.brightest(whole)[1, 2] == pytest.approx(most, abs=2e-5)
        found = frame.white_part(whole)
        assert (found is None) == (encoded[1, 2, 1] <= np.float32(NEAR_WHITE[0]))
        assert found is None or found[0] == (slice(1, 2), slice(2, 3))


def test_what_lacks_light_where_there_must_be_some():
    sky = np.full((40, 40, 3), 9.0)
    assert contradicted_share(lit(sky, SHORT), lit(sky, SHORTER)) == 0.0
    bird = sky.copy()
    bird[:10] = 0.1
    assert contradicted_share(lit(sky, SHORT), lit(bird, SHORTER)) == pytest.approx(0.25)
    # Where the longer frame is not white nothing is known.
    assert contradicted_share(lit(bird, SHORT), lit(bird, SHORTER)) == 0.0
    assert contradicted_share(lit(sky * 0.1, SHORT), lit(bird * 0.1, SHORTER)) == 0.0
