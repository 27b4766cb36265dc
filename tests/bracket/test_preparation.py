"""Alignment and matching together: what was done, and the same frames by box and as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from ahdr_cli.bracket.preparation import prepare
from ahdr_cli.radiometry.response import ResponseCurve

CAMERA = ResponseCurve(gamma=0.75, linear=1.2, square=0.8)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("match", [False, True])
def test_does_what_was_asked(photograph, align, match):
    prepared = prepare(photograph(CAMERA, shake=4), align=align, match=match)
    assert (prepared.displacements != ()) == align
    assert (prepared.matched_ev is not None) == match
    if match:
        assert prepared.matched_ev > 0.5
    bracket = prepared.bracket
    for source, frame in zip(prepared.pixels, bracket.frames, strict=True):
        np.testing.assert_array_equal(source[0:96, 0:128], frame.pixels)
    assert bracket.reference is prepared.taken.reference
    assert (bracket is prepared.taken) == (not align and not match)
