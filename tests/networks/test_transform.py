"""The transform keeps what it is given, and a scene's noise white."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import dctn

from ahdr_cli.networks.transform import block_frequencies


@pytest.mark.parametrize("side", [3, 4, 8])
def test_orthonormal_and_without_the_mean(side):
    patterns = block_frequencies(side)
    flat = patterns.reshape(len(patterns), -1).astype(np.float64)
    assert len(patterns) == 3 * (side**2 - 1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(len(flat)), atol=1e-6)
    np.testing.assert_allclose(patterns.sum(axis=(2, 3)), 0.0, atol=1e-6)


@pytest.mark.parametrize("side", [3, 4, 8])
def test_brightness_is_the_cosine_transform_of_scipy(side):
    block = np.random.default_rng(0).random((side, side))
    grey = np.stack([block] * 3)
    found = np.einsum("kcyx,cyx->k", block_frequencies(side), grey)
    brightness, colour = np.split(found, [side**2 - 1])
    expected = dctn(block, norm="ortho").ravel()[1:] * np.sqrt(3.0)
    np.testing.assert_allclose(brightness, expected, atol=1e-5)
    np.testing.assert_allclose(colour, 0.0, atol=1e-5)
