from __future__ import annotations

import numpy as np
import pytest

from ahdr_cli.errors import ExposureError, InputError, SizeMismatchError, UsageError
from ahdr_cli.evaluation.capture import Capture, photograph
from ahdr_cli.evaluation.datasets import open_dataset
from ahdr_cli.images import HdrImage
from ahdr_cli.io import write_hdr


def test_kalantari_layout(tmp_path, moving, write_kalantari):
    bracket, truth = moving
    write_kalantari(tmp_path / "set" / "b", bracket, truth)
    write_kalantari(tmp_path / "set" / "a", bracket, None, labels='{"motion": "objects"}')
    first, second = open_dataset(f"kalantari:{tmp_path / 'set'}")
    assert (first.name, second.name) == ("a", "b")
    assert first.truth is None and first.labels == {"motion": "objects"}
    assert second.bracket.ratios == pytest.approx([1, 4, 16])
    # 8-bit values survive 16 bits exactly.
    for ours, theirs in zip(second.bracket.frames, bracket.frames, strict=True):
        assert np.abs(ours.pixels - theirs.pixels).max() < 1e-5
    # RGBE keeps 8 bits of the largest channel.
    assert np.abs(second.truth - truth).max() < 1 / 128


def test_lossless_truth_is_preferred(tmp_path, moving, write_kalantari):
    from ahdr_cli.io import WriteOptions

    bracket, truth = moving
    folder = write_kalantari(tmp_path / "s", bracket, truth * 0)
    write_hdr(folder / "HDRImg.exr", HdrImage(pixels=truth), options=WriteOptions(float32=True))
    (scene,) = open_dataset(f"synth:{folder}")
    assert scene.name == "s"
    assert np.array_equal(scene.truth, truth)


def test_limit_reads_only_what_is_asked_for(tmp_path, moving, write_kalantari):
    bracket, truth = moving
    for name in "abc":
        write_kalantari(tmp_path / "set" / name, bracket, truth)
    (tmp_path / "set" / "c" / "exposure.txt").write_text("nonsense")
    assert [s.name for s in open_dataset(f"synth:{tmp_path / 'set'}", limit=2)] == ["a", "b"]
    with pytest.raises(ExposureError, match="nonsense"):
        list(open_dataset(f"synth:{tmp_path / 'set'}"))


def test_radiance_maps_are_photographed_without_motion(tmp_path, radiance):
    write_hdr(tmp_path / "map.exr", HdrImage(pixels=radiance * 37))
    (scene,) = open_dataset(f"hdr:{tmp_path}")
    (again,) = open_dataset(f"hdr:{tmp_path}")
    assert scene.name == "map"
    assert scene.bracket.spacing_ev == pytest.approx((2, 2))
    for one, two in zip(scene.bracket.frames, again.bracket.frames, strict=True):
        assert np.array_equal(one.pixels, two.pixels)
    short = scene.bracket.frames[0].pixels
    assert np.abs(short**2.2 - scene.truth).mean() < 0.01
    assert scene.truth.max() == 1


def test_capture_places_the_white_and_adds_the_noise_it_says(radiance):
    rng = np.random.default_rng(1)
    flat = np.full((200, 200, 3), 0.25, np.float32)
    flat[:2] = 1  # one percent of highlights
    capture = Capture(percentile=99.5, spacing_ev=1, shot_noise=4e-4, read_noise=1e-5, bits=16)
    bracket, truth = photograph(flat * rng.uniform(1, 9), name="flat", capture=capture)
    assert truth[100, 100] == pytest.approx([0.25] * 3, rel=1e-5)
    middle = bracket.reference.pixels[10:].astype(np.float64) ** 2.2
    assert middle.mean() == pytest.approx(0.5, abs=1e-3)
    assert middle.var() == pytest.approx(4e-4 * 0.5 + 1e-5, rel=0.05)


def test_photographs_in_folders(tmp_path, static_bracket):
    from PIL import Image

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for number, frame in enumerate(static_bracket.frames):
            Image.fromarray(np.round(frame.pixels * 255).astype(np.uint8)).save(
                tmp_path / name / f"{number}.png"
            )
        (tmp_path / name / "exposure.txt").write_text("-2\n0\n2\n")
    scenes = list(open_dataset(f"brackets:{tmp_path}"))
    assert [scene.name for scene in scenes] == ["one", "two"]
    assert scenes[0].truth is None
    assert scenes[0].bracket.ratios == pytest.approx([1, 4, 16])


@pytest.mark.parametrize("spec", ["nonsense", "zip:x", "synth:", ":x"])
def test_specs_that_mean_nothing(spec):
    with pytest.raises(UsageError, match="KIND:DIR"):
        open_dataset(spec)


@pytest.mark.parametrize("kind", ["kalantari", "hdr", "brackets"])
def test_folders_without_scenes(tmp_path, kind):
    with pytest.raises(InputError, match="holds no"):
        open_dataset(f"{kind}:{tmp_path}")
    with pytest.raises(InputError, match="no such folder"):
        open_dataset(f"{kind}:{tmp_path / 'absent'}")


def test_broken_scenes(tmp_path, moving, write_kalantari):
    bracket, truth = moving
    folder = write_kalantari(tmp_path / "s", bracket, truth[:50])
    with pytest.raises(SizeMismatchError, match="ground truth has 128x50"):
        list(open_dataset(f"synth:{tmp_path}"))
    (folder / "1.tif").unlink()
    with pytest.raises(InputError, match=r"2 \.tif frames, expected 3"):
        open_dataset(f"synth:{tmp_path}")


def test_labels_name_no_private_folder(tmp_path, write_kalantari, moving):
    write_kalantari(tmp_path / "private" / "set" / "scene", *moving)
    assert open_dataset(f"synth:{tmp_path}/private/set").label == "synth:set"


def test_listed_exposures_follow_the_frames_as_people_number_them(
    tmp_path, moving, write_kalantari
):
    """IMG_9 comes before IMG_10: by letters it would get the exposure of the last."""
    bracket, truth = moving
    folder = write_kalantari(tmp_path / "s", bracket, truth)
    for number, path in zip((9, 10, 11), sorted(folder.glob("*.tif")), strict=True):
        path.rename(folder / f"IMG_{number}.tif")
    for layout in ("kalantari", "brackets"):
        (scene,) = open_dataset(f"{layout}:{folder}")
        assert [frame.path.name for frame in scene.bracket.frames] == [
            "IMG_9.tif",
            "IMG_10.tif",
            "IMG_11.tif",
        ]
