"""Several photographs at the same time."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ahdr_cli.errors import InputError, UnreadableImageError, UsageError
from ahdr_cli.images import Exposure
from ahdr_cli.io import read_frame, read_frames


@pytest.fixture
def paths(tmp_path, picture):
    found = []
    for index, suffix in enumerate((".jpg", ".png", ".tif", ".jpg", ".png", ".jpg")):
        path = tmp_path / f"{index}{suffix}"
        Image.fromarray(np.roll(picture(40, 30 + index), index, axis=0)).save(path)
        found.append(path)
    return found


@pytest.mark.parametrize("at_once", [1, 4])
def test_they_come_in_order_as_if_read_one_by_one(paths, at_once):
    for frame, path in zip(read_frames(paths, at_once=at_once), paths, strict=True):
        assert frame.path == path
        assert np.array_equal(frame.pixels, read_frame(path).pixels)


def test_each_has_its_own_exposure(paths):
    exposures = [Exposure(seconds=2.0**index) for index in range(len(paths))]
    frames = read_frames(paths, exposures=exposures)
    assert [frame.exposure for frame in frames] == exposures
    for at_once in (1, 4):
        with pytest.raises(ValueError, match="shorter"):
            read_frames(paths, exposures=exposures[:2], at_once=at_once)


def test_the_first_that_cannot_be_read_is_named(paths):
    paths[1].write_bytes(paths[1].read_bytes()[:100])
    paths[4].unlink()
    with pytest.raises(UnreadableImageError) as raised:
        read_frames(paths)
    assert raised.value.path == paths[1]
    with pytest.raises(InputError, match="no such file"):
        read_frames(paths[2:])


def test_none_are_none():
    assert read_frames([]) == []


@pytest.mark.parametrize("other", ["{0}", "{parent}/./x/../{name}", "{link}"])
def test_one_file_twice_is_a_mistake(paths, tmp_path, other):
    (tmp_path / "x").mkdir()
    link = tmp_path / "link.png"
    link.symlink_to(paths[0])
    twice = other.format(paths[0], parent=paths[0].parent, name=paths[0].name, link=link)
    with pytest.raises(UsageError, match="is given twice"):
        read_frames([*paths, twice])
