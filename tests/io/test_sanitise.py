"""What may be written: finite, not negative, not beyond the format."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ahdr_cli.io.sanitise import sanitised

ARRAYS = hnp.arrays(
    st.sampled_from([np.float16, np.float32, np.float64]), hnp.array_shapes(min_dims=1, max_dims=3)
)


@given(ARRAYS, st.sampled_from([65504.0, float(np.finfo(np.float32).max)]))
def test_always_finite_and_in_range(values, largest):
    before = values.copy()
    clean = sanitised(values, largest=largest)
    assert clean.dtype == np.float32
    assert clean.flags.c_contiguous
    assert np.isfinite(clean).all()
    assert (clean >= 0).all()
    assert (clean <= largest).all()
    np.testing.assert_array_equal(values, before)


@given(hnp.arrays(np.float32, (4, 3), elements=st.floats(0, 65504, width=32)))
def test_good_values_are_left_alone(values):
    assert sanitised(values, largest=65504.0) is values


def test_a_sun_does_not_vanish():
    values = np.array([np.inf, 1e30, np.nan, -np.inf, -1e-9, 0.5], np.float32)
    expected = np.array([65504, 65504, 0, 0, 0, 0.5], np.float32)
    np.testing.assert_array_equal(sanitised(values, largest=65504.0), expected)


def test_values_beyond_float32_become_its_largest():
    assert sanitised(np.array([1e300]))[0] == np.finfo(np.float32).max
