"""Transfer functions: known values, inverses, dtype."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ahdr_cli.radiometry.transfer import (
    GAMMA,
    MU,
    gamma_decode,
    gamma_encode,
    mu_law_compress,
    mu_law_expand,
    srgb_decode,
    srgb_encode,
)

PAIRS = [
    (gamma_encode, gamma_decode),
    (mu_law_compress, mu_law_expand),
    (srgb_encode, srgb_decode),
]
unit = arrays(np.float64, st.integers(1, 40), elements=st.floats(0.0, 1.0))


@pytest.mark.parametrize(("forward", "backward"), PAIRS)
@given(values=unit)
def test_pairs_are_inverse(forward, backward, values):
    # atol: the two branches of IEC 61966-2-1 meet only to 5 decimals.
    np.testing.assert_allclose(backward(forward(values)), values, rtol=1e-9, atol=2e-8)
    np.testing.assert_allclose(forward(backward(values)), values, rtol=1e-9, atol=2e-7)


@pytest.mark.parametrize("function", [f for pair in PAIRS for f in pair])
@given(values=unit)
def test_every_curve_is_monotonic_from_0_to_1(function, values):
    ascending = np.unique(values)
    mapped = function(ascending)
    assert mapped.min() >= 0.0
    assert mapped.max() <= 1.0 + 1e-12
    assert np.all(np.diff(mapped) >= -1e-12)
    np.testing.assert_allclose(function(np.array([0.0, 1.0])), [0.0, 1.0], atol=1e-12)


@pytest.mark.parametrize("function", [f for pair in PAIRS for f in pair])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_float_type_is_kept(function, dtype):
    assert function(np.linspace(0, 1, 7, dtype=dtype)).dtype == dtype


def test_srgb_against_published_values():
    # IEC 61966-2-1: 8-bit code values and their linear light.
    codes = np.array([0, 1, 10, 11, 64, 128, 188, 255]) / 255.0
    light = np.array(
        [0.0, 0.000303527, 0.003035270, 0.003346536, 0.051269458, 0.215860501, 0.502886458, 1.0]
    )
    np.testing.assert_allclose(srgb_decode(codes), light, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(srgb_encode(light), codes, rtol=1e-5, atol=1e-9)


def test_gamma_and_mu_law_against_hand_computed_values():
    assert gamma_decode(np.array([0.5]))[0] == pytest.approx(0.217637640824)
    assert GAMMA == 2.2
    # log(1 + 5000 · 0.01) / log(5001)
    assert mu_law_compress(np.array([0.01]))[0] == pytest.approx(3.9318256327 / 8.5173931714)
    assert MU == 5000.0
    assert mu_law_compress(np.array([0.5]), 1.0)[0] == pytest.approx(np.log2(1.5))
