from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.errors import InputError, UnreadableImageError
from ahdr_cli.images import HdrImage
from ahdr_cli.io import read_hdr, write_hdr
from ahdr_cli.training.scene_files import find_images, normalised, read_scenes, scaled_down


def test_images_are_found_below_and_sorted(maps):
    found = [path.relative_to(maps).as_posix() for path in find_images(maps, kind="hdr")]
    assert found == ["a.exr", "b.exr", "below/d.exr", "c.hdr"]


def test_scenes_have_names_and_a_common_scale(maps):
    scenes = list(read_scenes(maps, kind="hdr"))
    assert [scene.name for scene in scenes] == ["a", "b", "below/d", "c"]
    for scene in scenes:
        level = scene.pixels.astype(np.float64).mean(axis=2)
        assert np.exp(np.log(level).mean()) == pytest.approx(0.18, rel=1e-3)
    original = read_hdr(maps / "a.exr").pixels
    ratio = scenes[0].pixels.astype(np.float32) / original
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=2e-3)


def test_photographs_are_lifted(photos):
    one, two = read_scenes(photos, kind="photo")
    assert (one.name, two.name) == ("one", "two")
    assert one.pixels.shape == (150, 220, 3)


@given(st.floats(1e-6, 1e6))
def test_the_unit_of_a_map_does_not_matter(scale):
    pixels = np.random.default_rng(1).uniform(0.1, 10.0, (8, 9, 3)).astype(np.float32)
    np.testing.assert_allclose(
        normalised(pixels * np.float32(scale)), normalised(pixels), rtol=1e-4
    )


def test_black_borders_do_not_lift_the_rest():
    pixels = np.random.default_rng(1).uniform(0.1, 10.0, (40, 40, 3)).astype(np.float32)
    bordered = np.zeros((40, 80, 3), np.float32)
    bordered[:, :40] = pixels
    np.testing.assert_allclose(normalised(bordered)[:, :40], normalised(pixels), rtol=1e-5)


def test_large_images_are_averaged_down():
    pixels = np.random.default_rng(2).uniform(0, 1, (60, 90, 3)).astype(np.float32)
    small = scaled_down(pixels, 30)
    assert small.shape == (20, 30, 3)
    blocks = pixels.reshape(20, 3, 30, 3, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(small, blocks, rtol=1e-5)
    assert scaled_down(pixels, 90) is pixels


def test_missing_and_empty_folders(tmp_path, maps):
    with pytest.raises(InputError, match="no such folder"):
        find_images(tmp_path / "absent", kind="hdr")
    with pytest.raises(InputError, match=r"holds no \.hdr, \.exr file"):
        find_images(tmp_path, kind="hdr")
    with pytest.raises(InputError, match=r"holds no \.jpg"):
        find_images(maps, kind="photo")


def test_black_and_damaged_maps_are_named(tmp_path):
    write_hdr(tmp_path / "black.exr", HdrImage(np.zeros((40, 40, 3), np.float32)))
    with pytest.raises(InputError, match=r"black\.exr: the scene is black"):
        list(read_scenes(tmp_path, kind="hdr"))
    (tmp_path / "black.exr").write_bytes(b"\x76\x2f\x31\x01 and nothing more")
    with pytest.raises(UnreadableImageError, match=r"black\.exr"):
        list(read_scenes(tmp_path, kind="hdr"))
