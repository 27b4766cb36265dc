from __future__ import annotations

import numpy as np
import pytest

from ahdr_cli.errors import SizeMismatchError
from ahdr_cli.evaluation import baselines
from ahdr_cli.evaluation.consistency import GHOST, measure_consistency


def test_the_reference_explains_itself(static_bracket):
    found = measure_consistency(baselines.reference_alone(static_bracket), static_bracket)
    assert found.psnr is None or found.psnr > 100
    assert found.ghosts == 0
    assert 0.1 < found.compared < 0.9


def test_a_good_merge_of_a_static_scene_explains_every_frame(static_bracket):
    merged = baselines.triangle(static_bracket)
    for index in range(3):
        found = measure_consistency(merged, static_bracket, index=index)
        assert found.psnr > 40
        assert found.ghosts == 0


def test_a_planted_ghost_is_found_where_it_is(static_bracket):
    merged = baselines.reference_alone(static_bracket)
    trusted = np.isfinite(measure_consistency(merged, static_bracket).error)
    # A column range where the reference is well exposed in most rows.
    column = int(np.argmax(trusted[:, :-16].sum(axis=0)))
    spot = (slice(30, 60), slice(column, column + 16))
    clean = measure_consistency(merged, static_bracket)
    planted = merged.copy()
    planted[spot] *= 0.4
    found = measure_consistency(planted, static_bracket)
    assert found.ghosts > clean.ghosts
    inside = found.error[spot]
    assert np.nanmax(inside) > 1.2 * GHOST
    outside = found.error.copy()
    outside[25:65, max(0, column - 5) : column + 21] = np.nan
    assert np.nanmax(outside) < GHOST


def test_a_ghosting_merge_is_worse_than_none(moving):
    bracket, _ = moving
    ghosting = measure_consistency(baselines.triangle(bracket), bracket)
    alone = measure_consistency(baselines.reference_alone(bracket), bracket)
    assert ghosting.ghosts > 0.02
    assert alone.ghosts == 0


def test_nothing_is_said_about_clipped_and_dark_places(static_bracket):
    merged = baselines.reference_alone(static_bracket)
    frame = static_bracket.reference.pixels
    wild = np.where((frame.max(2) >= 1.0)[..., None], np.float32(7), merged)
    assert measure_consistency(wild, static_bracket).ghosts == 0


def test_nothing_to_compare(static_bracket):
    from dataclasses import replace

    white = np.ones_like(static_bracket.reference.pixels)
    frames = tuple(replace(frame, pixels=white) for frame in static_bracket.frames)
    found = measure_consistency(white, replace(static_bracket, frames=frames))
    assert (found.psnr, found.compared, found.ghosts) == (None, 0.0, 0.0)
    assert np.isnan(found.error).all()


def test_wrong_size(static_bracket):
    with pytest.raises(SizeMismatchError, match="8x8 pixels"):
        measure_consistency(np.zeros((8, 8, 3), np.float32), static_bracket)


def test_bands_leave_no_trace(static_bracket, monkeypatch):
    merged = baselines.triangle(static_bracket)
    whole = measure_consistency(merged, static_bracket)
    monkeypatch.setattr("ahdr_cli.evaluation.consistency._BAND", 7)
    banded = measure_consistency(merged, static_bracket)
    assert banded.psnr == pytest.approx(whole.psnr, rel=1e-12)
    assert (banded.compared, banded.ghosts) == (whole.compared, whole.ghosts)
    np.testing.assert_allclose(banded.error, whole.error, rtol=1e-5, atol=1e-7)
