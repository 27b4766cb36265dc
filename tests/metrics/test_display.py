from __future__ import annotations

import numpy as np
import pytest

from ahdr_cli.errors import UsageError
from ahdr_cli.metrics.display import Display


def test_pixels_per_degree_against_published_values():
    # 24 inches, full HD, 0.5 m, as computed by HDR-VDP-2.
    assert Display().pixels_per_degree == pytest.approx(32.45295195027274, rel=1e-12)
    uhd = Display(diagonal=30.0, resolution=(3840, 2160), distance=0.6)
    assert uhd.pixels_per_degree == pytest.approx(
        2160 / np.degrees(2 * np.arctan(0.3113 / 1.0)), rel=1e-3
    )


def test_emitted_light_is_affine_and_clipped():
    display = Display(peak=1000.0, black=0.5)
    light = display.emitted(np.array([-1.0, 0.0, 0.5, 1.0, 3.0], dtype=np.float32))
    np.testing.assert_allclose(light, [0.5, 0.5, 500.25, 1000.0, 1000.0])
    assert light.dtype == np.float64


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"peak": 0.0}, "finite and positive"),
        ({"black": float("nan")}, "finite and positive"),
        ({"distance": -0.5}, "finite and positive"),
        ({"resolution": (0, 1080)}, "finite and positive"),
        ({"peak": 1.0, "black": 2.0}, "black must be darker than the peak, got 2.0 and 1.0"),
    ],
)
def test_impossible_screens_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        Display(**settings)
