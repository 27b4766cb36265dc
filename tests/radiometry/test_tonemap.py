"""Tone mapping: ranges, order, known values, hostile pixels."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ahdr_cli.errors import UsageError
from ahdr_cli.radiometry.tonemap import (
    OPERATORS,
    estimate_white,
    render,
    to_uint8,
    tonemap,
)
from ahdr_cli.radiometry.transfer import mu_law_expand, srgb_decode, srgb_encode

NAMES = list(OPERATORS)
hostile = st.one_of(
    st.floats(0.0, 1e6, width=32),
    st.sampled_from([np.nan, np.inf, -np.inf, -1.0, 0.0, 65504.0, 1e-38, 3e38]),
)
images = array_shapes(min_dims=2, max_dims=2, max_side=6).flatmap(
    lambda shape: arrays(np.float32, (*shape, 3), elements=hostile)
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("hostile_pixels", [False, True])
@pytest.mark.parametrize("options", [{}, {"white": 3.0, "exposure": -1.5, "gamma": 1.4}])
def test_rendering_by_strips_is_tone_mapping_the_whole(monkeypatch, name, hostile_pixels, options):
    radiance = np.random.default_rng(5).gamma(0.3, 4.0, (67, 41, 3)).astype(np.float32)
    if hostile_pixels:
        radiance[3, 4], radiance[66, 40, 1], radiance[20, 0] = np.inf, np.nan, -1.0
    monkeypatch.setattr(f"{tonemap.__module__}._STRIP", 41 * 8)
    expected = to_uint8(tonemap(radiance, name, **options))
    np.testing.assert_array_equal(render(radiance, name, **options), expected)


@pytest.mark.parametrize("name", NAMES)
def test_rendering_takes_little_more_memory_than_its_result(name):
    radiance = np.ones((2000, 800, 3), np.float32)
    render(radiance[:10], name)
    tracemalloc.start()
    shown = render(radiance, name, white=4.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < shown.nbytes + radiance.nbytes / 4


def grey_ramp(low: float, high: float, count: int = 256) -> np.ndarray:
    ramp = np.geomspace(low, high, count, dtype=np.float32)
    return np.repeat(ramp[np.newaxis, :, np.newaxis], 3, axis=2)


@pytest.mark.parametrize("name", NAMES)
@given(radiance=images)
def test_any_pixels_give_a_finite_picture(name, radiance):
    before = radiance.copy()
    shown = tonemap(radiance, name)
    assert shown.dtype == np.float32
    assert shown.shape == radiance.shape
    assert np.all((shown >= 0.0) & (shown <= 1.0))
    np.testing.assert_array_equal(radiance, before)


@pytest.mark.parametrize("name", NAMES)
def test_brighter_is_never_darker(name):
    shown = tonemap(grey_ramp(1e-4, 20.0), name, white=16.0)[0, :, 0]
    assert np.all(np.diff(shown) >= 0.0)
    assert shown[-1] > 10 * shown[0]


@pytest.mark.parametrize("name", NAMES)
def test_black_stays_black_and_white_becomes_white(name):
    radiance = grey_ramp(0.01, 8.0)
    radiance[0, 0] = 0.0
    shown = tonemap(radiance, name, white=8.0)
    assert np.all(shown[0, 0] == 0.0)
    np.testing.assert_allclose(shown[0, -1], 1.0, atol=1e-5)
    assert shown[0, -20, 0] < 0.999


@pytest.mark.parametrize("name", NAMES)
def test_grey_stays_grey(name):
    shown = tonemap(grey_ramp(1e-3, 8.0), name)
    np.testing.assert_allclose(shown, shown[..., :1].repeat(3, axis=2), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_exposure_brightens_and_gamma_lifts(name):
    radiance = grey_ramp(1e-3, 1.0)
    plain = tonemap(radiance, name, white=8.0)
    assert np.all(tonemap(radiance, name, white=8.0, exposure=1.0) > plain)
    assert np.all(tonemap(radiance, name, white=8.0, exposure=-1.0) < plain)
    lifted = tonemap(radiance, name, white=8.0, gamma=1.5)
    np.testing.assert_allclose(lifted, plain ** (1 / 1.5), rtol=1e-5)


def test_an_estimated_white_does_not_undo_the_exposure():
    radiance = grey_ramp(1e-3, 1.0)
    for name in NAMES:
        assert np.all(
            tonemap(radiance, name, exposure=1.0)[0, :-50] > tonemap(radiance, name)[0, :-50]
        ), name


def test_mu_law_is_the_papers_curve_in_units_of_white():
    radiance = grey_ramp(1e-4, 16.0)
    shown = tonemap(radiance, white=16.0)
    np.testing.assert_allclose(mu_law_expand(shown.astype(np.float64)) * 16, radiance, rtol=1e-4)
    expected = np.log1p(5000 * 0.25 / 16) / np.log1p(5000)
    assert tonemap(np.full((1, 1, 3), 0.25), white=16.0)[0, 0, 0] == pytest.approx(expected)


def test_linear_is_srgb_of_the_reference_exposure():
    radiance = grey_ramp(1e-3, 4.0)
    np.testing.assert_allclose(
        tonemap(radiance, "linear"), srgb_encode(np.minimum(radiance, 1.0)), atol=1e-6
    )
    np.testing.assert_allclose(
        tonemap(radiance, "linear", exposure=-2.0), srgb_encode(radiance / 4), atol=1e-6
    )


def test_reinhard_against_the_formula_and_its_scale_invariance():
    rng = np.random.default_rng(5)
    scene = rng.lognormal(0.0, 1.5, (12, 10)).astype(np.float32)
    radiance = np.repeat(scene[..., np.newaxis], 3, axis=2)
    scaled = 0.18 / np.exp(np.log(scene.astype(np.float64)).mean()) * scene
    white = 0.18 / np.exp(np.log(scene.astype(np.float64)).mean()) * 5.0
    expected = np.clip(scaled * (1 + scaled / white**2) / (1 + scaled), 0, 1)
    shown = tonemap(radiance, "reinhard", white=5.0)
    np.testing.assert_allclose(srgb_decode(shown[..., 0]), expected, atol=2e-5)
    np.testing.assert_allclose(tonemap(radiance * 1000, "reinhard", white=5000.0), shown, atol=1e-5)


def test_reinhard_keeps_the_hue():
    rng = np.random.default_rng(6)
    radiance = rng.uniform(0.01, 1.0, (8, 8, 3)).astype(np.float32)
    decoded = srgb_decode(tonemap(radiance, "reinhard", white=4.0).astype(np.float64))
    assert decoded.max() < 1.0
    np.testing.assert_allclose(
        decoded / decoded.sum(axis=2, keepdims=True),
        radiance / radiance.sum(axis=2, keepdims=True),
        atol=1e-5,
    )


def test_filmic_is_hables_curve():
    # ((x(Ax + CB) + DE) / (x(Ax + B) + DF)) - E/F of the talk, as printed.
    def f(x):
        return (x * (0.15 * x + 0.05) + 0.004) / (x * (0.15 * x + 0.5) + 0.06) - 0.02 / 0.30

    radiance = grey_ramp(1e-3, 5.6)
    shown = srgb_decode(tonemap(radiance, "filmic", white=5.6).astype(np.float64))
    np.testing.assert_allclose(shown, f(2.0 * radiance.astype(np.float64)) / f(11.2), atol=1e-6)


def test_an_infinite_sun_stays_the_brightest_pixel():
    radiance = grey_ramp(0.01, 4.0)
    radiance[0, 7] = np.inf
    radiance[0, 8] = np.nan
    shown = tonemap(radiance, "mu-law")
    assert np.all(shown[0, 7] == shown.max())
    assert np.all(shown[0, 8] == 0.0)


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_infinite_sun_of_any_size_leaves_the_rest_to_be_seen(operator):
    """Files are read with the largest float32 in place of Inf: both are no radiance."""
    radiance = np.tile(grey_ramp(0.01, 4.0), (50, 1, 1))
    bright = np.sort(radiance, axis=None)[-1]
    expected = radiance.copy()
    expected[:20, :4] = bright
    for infinite in (np.inf, np.finfo(np.float32).max):
        radiance[:20, :4] = infinite
        shown = tonemap(radiance, operator)
        np.testing.assert_array_equal(shown, tonemap(expected, operator))
        assert shown[30:].mean() > 0.2


def test_estimated_white_ignores_hot_pixels_but_not_highlights():
    radiance = np.full((100, 100, 3), 0.5, dtype=np.float32)
    radiance[:5, :10, 1] = 8.0  # half a per cent: a lamp, saturated in green
    radiance[50, 50] = 1000.0
    assert estimate_white(radiance) == pytest.approx(8.0)


@pytest.mark.parametrize("value", [0.0, 0.25, 3e4])
def test_estimated_white_of_flat_images(value):
    radiance = np.full((9, 9, 3), value, dtype=np.float32)
    assert estimate_white(radiance) == (value or 1.0)


def test_estimated_white_of_a_single_star():
    radiance = np.zeros((200, 200, 3), dtype=np.float32)
    radiance[3, 3] = 6.0
    assert estimate_white(radiance) == 6.0


def test_to_uint8_rounds_to_nearest_and_is_safe():
    values = np.array([[-1.0, 0.0, 0.4999 / 255, 0.5001 / 255, 254.4 / 255, 1.0, 7.0, np.nan]])
    assert to_uint8(values.astype(np.float32)).tolist() == [[0, 0, 0, 1, 254, 255, 255, 0]]
    codes = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_uint8(codes.astype(np.float32) / 255), codes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"operator": "vivid"}, "unknown tone mapping operator 'vivid'"),
        ({"white": 0.0}, "white must lie between 1e-06 and 1e.10, got 0.0"),
        ({"white": np.nan}, "white must lie"),
        ({"gamma": -1.0}, "gamma must be finite and positive, got -1.0"),
        ({"exposure": np.inf}, "exposure must lie within"),
    ],
)
def test_meaningless_options_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        tonemap(grey_ramp(0.1, 1.0), **arguments)


def test_an_unknown_operator_names_the_choices():
    with pytest.raises(UsageError) as caught:
        tonemap(grey_ramp(0.1, 1.0), "vivid")
    for name in NAMES:
        assert name in str(caught.value.hint)


def test_a_grey_picture_is_refused():
    with pytest.raises(ValueError, match=r"\(H, W, 3\)"):
        tonemap(np.ones((4, 4), dtype=np.float32))
