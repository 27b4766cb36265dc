from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from ahdr_cli.errors import InputError
from ahdr_cli.metrics.ssim import ssim, ssim_mu


def oracle(test, reference, data_range=1.0):
    return structural_similarity(
        reference.astype(np.float64),
        test.astype(np.float64),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=data_range,
        channel_axis=2 if test.ndim == 3 else None,
    )


def images(seed: int, shape) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    reference = rng.random(shape) ** 2
    return reference + rng.normal(0, 0.1, shape), reference


@settings(max_examples=30)
@given(
    seed=st.integers(0, 1000),
    height=st.integers(11, 40),
    width=st.integers(11, 40),
    data_range=st.floats(0.1, 300.0),
)
def test_agrees_with_scikit_image(seed, height, width, data_range):
    test, reference = images(seed, (height, width, 3))
    value = ssim(test, reference, data_range=data_range)
    assert value == pytest.approx(oracle(test, reference, data_range), abs=1e-9)


def test_agrees_with_scikit_image_on_grey_images():
    test, reference = images(1, (30, 41))
    assert ssim(test, reference) == pytest.approx(oracle(test, reference), abs=1e-9)


def test_ssim_mu_is_ssim_of_the_compressed_images():
    test, reference = images(2, (25, 31, 3))
    left, right = (np.log1p(5000 * np.maximum(x, 0)) / np.log(5001) for x in (test, reference))
    assert ssim_mu(test, reference) == pytest.approx(oracle(left, right), abs=1e-9)


def test_identical_images_have_one_and_inverted_ones_less_than_zero():
    test, _ = images(3, (20, 20, 3))
    assert ssim(test, test) == pytest.approx(1.0, abs=1e-12)
    assert ssim(1 - test, test) < 0


def test_unusable_pairs_are_refused():
    test, reference = images(4, (12, 10, 3))
    with pytest.raises(InputError, match="at least 11 pixels a side, got 10 x 12"):
        ssim(test, reference)
    with pytest.raises(InputError, match="one shape"):
        ssim_mu(test, reference[:-1])
