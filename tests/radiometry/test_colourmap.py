from __future__ import annotations

import numpy as np
import pytest

from ahdr_cli.radiometry.colourmap import MISSING, colour_map, colour_table
from ahdr_cli.radiometry.transfer import srgb_decode


def test_lightness_grows_evenly_by_an_independent_measure():
    color = pytest.importorskip("skimage.color")
    lightness = color.rgb2lab(colour_table()[None] / 255.0)[0, :, 0]
    assert (np.diff(lightness[::5]) > 0.5).all()
    # CIELAB is not OKLab: even steps of one are nearly even steps of the other.
    steps = np.diff(lightness[::15])
    assert steps.max() < 1.6 * steps.min()


def test_neighbours_look_alike():
    steps = np.abs(np.diff(colour_table().astype(int), axis=0)).max()
    assert steps <= 6


def test_ends_and_missing_values():
    colours = colour_map(np.array([-1.0, 0.2, 0.7, 9.0, np.nan]), low=0.2, high=0.7)
    table = colour_table()
    assert colours[0].tolist() == colours[1].tolist() == table[0].tolist()
    assert colours[2].tolist() == colours[3].tolist() == table[-1].tolist()
    assert tuple(colours[4]) == MISSING


def test_starts_violet_and_ends_yellow():
    first, last = srgb_decode(colour_table()[[20, 250]] / 255.0)
    assert first[2] > first[1]
    assert last[0] > 3 * last[2] and last[1] > 3 * last[2]


def test_empty_range_is_refused():
    with pytest.raises(ValueError, match="above low"):
        colour_map(np.zeros(3), low=1.0, high=1.0)
