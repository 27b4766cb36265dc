from __future__ import annotations

import numpy as np

from ahdr_cli.radiometry.luminance import REC709_WEIGHTS, luminance


def test_grey_keeps_its_value_and_type():
    grey = np.full((3, 4, 3), 7.25, dtype=np.float32)
    result = luminance(grey)
    assert result.dtype == np.float32
    assert result.shape == (3, 4)
    np.testing.assert_allclose(result, 7.25, rtol=1e-6)


def test_primaries_give_their_weights():
    np.testing.assert_array_equal(luminance(np.eye(3)), REC709_WEIGHTS)
