from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from ahdr_cli.metrics.display import Display
from ahdr_cli.metrics.perceptual import pu21_encode, pu21_psnr, pu21_ssim


def test_range_of_the_encoding_as_published():
    ends = pu21_encode(np.array([0.005, 10000.0]))
    np.testing.assert_allclose(ends, [5.4705e-10, 595.3939], rtol=1e-5)
    np.testing.assert_array_equal(pu21_encode(np.array([0.0, 1e6])), ends)


def test_100_nits_are_about_the_white_of_8_bits():
    assert pu21_encode(np.array(100.0)) == pytest.approx(256.0, abs=0.5)


@given(light=st.lists(st.floats(0.01, 10000.0), min_size=1, max_size=20))
def test_order_is_kept(light):
    encoded = pu21_encode(np.unique(light))
    assert np.all(np.diff(encoded) >= 0)


def test_psnr_over_colours_and_ssim_over_luminance_with_peak_256():
    rng = np.random.default_rng(1)
    reference = rng.random((24, 30, 3)) ** 3
    test = np.clip(reference * rng.normal(1, 0.1, reference.shape), 0, None)
    display = Display(peak=600.0, black=0.1)
    shown = [0.1 + 599.9 * np.clip(image, 0, 1) for image in (test, reference)]

    left, right = (pu21_encode(light) for light in shown)
    expected = peak_signal_noise_ratio(right, left, data_range=256)
    assert pu21_psnr(test, reference, display=display) == pytest.approx(expected, abs=1e-9)

    left, right = (pu21_encode(light @ np.array([0.2126, 0.7152, 0.0722])) for light in shown)
    expected = structural_similarity(
        right,
        left,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=256,
    )
    assert pu21_ssim(test, reference, display=display) == pytest.approx(expected, abs=1e-9)


def test_an_error_in_the_shadows_weighs_more_than_its_light():
    reference = np.full((16, 16, 3), 0.01)
    bright = np.full((16, 16, 3), 0.9)
    display = Display()
    assert pu21_psnr(reference + 0.01, reference, display=display) < pu21_psnr(
        bright + 0.01, bright, display=display
    )
