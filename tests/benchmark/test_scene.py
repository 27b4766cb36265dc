from __future__ import annotations

import numpy as np
import pytest

from ahdr_cli.benchmark.scene import EVS, frame_size, write_bracket
from ahdr_cli.bracket import Bracket
from ahdr_cli.bracket.align import align_if_moved
from ahdr_cli.images import Exposure
from ahdr_cli.io import read_frame


@pytest.fixture(scope="module")
def bracket(tmp_path_factory) -> Bracket:
    paths = write_bracket(tmp_path_factory.mktemp("frames"), 0.1)
    return Bracket.from_frames(
        [
            read_frame(path, exposure=Exposure.from_ev(ev))
            for path, ev in zip(paths, EVS, strict=True)
        ]
    )


@pytest.mark.parametrize("megapixels", [0.4, 1.5, 12, 24, 50])
def test_frames_have_the_size_that_was_asked_for(megapixels):
    width, height = frame_size(megapixels)
    assert width * height == pytest.approx(megapixels * 1e6, rel=0.005)
    assert width / height == pytest.approx(1.5, rel=0.01)


def test_frames_are_always_the_same(tmp_path, bracket):
    for path, frame in zip(write_bracket(tmp_path, 0.1), bracket.frames, strict=True):
        assert np.array_equal(read_frame(path).pixels, frame.pixels)


def test_highlights_clip_and_shadows_drown_as_in_a_photographed_bracket(bracket):
    short, _, long = (frame.pixels for frame in bracket.frames)
    assert (long == 1).mean() > 0.1 > (short == 1).mean()
    assert np.median(short) < 0.35 < np.median(long)


def test_the_camera_moved(bracket):
    motions = align_if_moved(bracket).motions
    assert motions[0].shift == pytest.approx((-9, -5), abs=0.3)
    assert motions[1].shift == pytest.approx((-2, -11), abs=0.3)
