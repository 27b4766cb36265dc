from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio

from ahdr_cli.errors import InputError
from ahdr_cli.metrics.psnr import psnr, psnr_mu


def images(seed: int = 0, shape=(13, 17, 3)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    reference = rng.random(shape).astype(np.float32)
    test = np.clip(reference + rng.normal(0, 0.05, shape), 0, 1).astype(np.float32)
    return test, reference


@given(seed=st.integers(0, 1000), peak=st.floats(0.1, 100.0))
def test_agrees_with_scikit_image(seed, peak):
    test, reference = images(seed)
    expected = peak_signal_noise_ratio(
        reference.astype(np.float64), test.astype(np.float64), data_range=peak
    )
    assert psnr(test, reference, peak=peak) == pytest.approx(expected, abs=1e-9)


def test_psnr_mu_is_psnr_of_the_compressed_images():
    test, reference = images(3)

    def compressed(image):
        return np.log(1 + 5000 * image.astype(np.float64)) / np.log(5001)

    expected = peak_signal_noise_ratio(compressed(reference), compressed(test), data_range=1)
    assert psnr_mu(test, reference) == pytest.approx(expected, abs=1e-9)


def test_known_error():
    reference = np.zeros((4, 5, 3))
    assert psnr(reference + 0.1, reference) == pytest.approx(20.0)
    assert psnr(reference + 0.1, reference, peak=10.0) == pytest.approx(40.0)


def test_one_mean_over_all_pixels_and_channels_border_included():
    reference = np.zeros((10, 10, 3))
    test = reference.copy()
    test[0, 0, 2] = 1.0
    assert psnr(test, reference) == pytest.approx(10 * math.log10(300))


def test_identical_images_are_infinitely_good():
    test, _ = images()
    assert psnr(test, test) == math.inf
    assert psnr_mu(test, test) == math.inf


def test_mu_law_takes_negative_values_as_black_and_keeps_bright_ones():
    reference = np.zeros((4, 4, 3))
    assert psnr_mu(reference - 0.5, reference) == math.inf
    assert psnr_mu(reference + 2.0, reference) < psnr_mu(reference + 1.0, reference)


@pytest.mark.parametrize("metric", [psnr, psnr_mu])
def test_unusable_pairs_are_refused(metric):
    test, reference = images()
    with pytest.raises(InputError, match=r"one shape, got \(13, 16, 3\) and \(13, 17, 3\)"):
        metric(test[:, 1:], reference)
    with pytest.raises(InputError, match="not empty"):
        metric(test[:0], reference[:0])
    broken = test.copy()
    broken[2, 3] = np.nan
    with pytest.raises(InputError, match="the test image holds 3 NaN"):
        metric(broken, reference)
    with pytest.raises(InputError, match="the reference image holds 3 NaN"):
        metric(test, broken)
