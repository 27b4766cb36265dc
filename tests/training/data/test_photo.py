from __future__ import annotations

import numpy as np
import pytest

from ahdr_cli.training.photo import lift_photo


def grey(values):
    return np.repeat(np.asarray(values, np.float32)[..., None], 3, -1)


@pytest.fixture
def disc():
    """A white disc of radius 60 with a soft rim, on mid grey."""
    y, x = np.mgrid[:240, :320] - np.array([120, 160])[:, None, None]
    return grey(np.clip(1.0 - (np.hypot(x, y) - 60) / 12, 0.5, 1.0))


def test_up_to_mid_tones_it_only_linearises():
    pixels = grey(np.tile(np.linspace(0, 0.5, 200), (50, 1)))
    np.testing.assert_allclose(lift_photo(pixels), pixels**2.2, rtol=1e-5, atol=1e-7)


def test_a_clipped_area_becomes_a_dome_instead_of_a_plateau(disc):
    profile = lift_photo(disc, peak=12.0)[120, 160:, 0]
    inside = profile[:55]
    assert 5.0 < inside[0] <= 12.0
    assert np.all(np.diff(inside) <= 2e-3)
    assert inside[0] > 1.2 * inside[45]
    # The rim, six pixels wide, stays a slope.
    assert np.abs(np.diff(profile)).max() < inside[0] / 6


def test_small_highlights_stay_below_large_ones(disc):
    small = grey(np.full((240, 320), 0.5))
    small[119:122, 159:162] = 1.0
    assert lift_photo(small).max() < 0.6 * lift_photo(disc).max()


def test_brightness_stays_in_order_without_clipping():
    ramp = grey(np.tile(np.linspace(0, 0.85, 300), (40, 1)))
    assert np.all(np.diff(lift_photo(ramp)[20, :, 0]) >= 0)


def test_saturated_colours_are_not_bleached():
    pixels = np.empty((120, 160, 3), np.float32)
    pixels[:] = 0.4
    pixels[30:90, 40:120] = (1.0, 0.5, 0.1)
    lifted = lift_photo(pixels)[60, 80]
    np.testing.assert_allclose(lifted / lifted[0], (1.0, 0.5**2.2, 0.1**2.2), rtol=1e-3)


def test_white_takes_colour_from_the_light_around_it(disc):
    warm = disc * np.array([1.0, 0.8, 0.6], np.float32)
    warm[disc.min(-1) >= 0.999] = 1.0
    lifted = lift_photo(warm)[120, 110]
    assert lifted[2] < 0.95 * lifted[0]
