"""Every fault that is planted must be found, and nothing else."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tifffile

from ahdr_cli.errors import InputError
from ahdr_cli.images import HdrImage
from ahdr_cli.io import WriteOptions, read_hdr, write_hdr
from ahdr_cli.training.dataset_check import check_dataset


@pytest.fixture
def scene(copy_of_set):
    """A static scene of a set that is otherwise sound."""
    return sorted(copy_of_set.iterdir())[0]


def rewrite_truth(scene, change):
    for name in ("HDRImg.exr", "HDRImg.hdr"):
        pixels = change(read_hdr(scene / name).pixels.copy())
        write_hdr(
            scene / name, HdrImage(pixels), overwrite=True, options=WriteOptions(float32=True)
        )


def rewrite_frame(path, change):
    tifffile.imwrite(path, change(tifffile.imread(path)), photometric="rgb")


def store_nan(scene):
    import OpenEXR

    pixels = read_hdr(scene / "HDRImg.exr").pixels.copy()
    pixels[3, 4] = np.nan
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {"RGB": pixels}) as file:
        file.write(str(scene / "HDRImg.exr"))


def drop_truth(scene):
    (scene / "HDRImg.exr").unlink()
    (scene / "HDRImg.hdr").unlink()


def swap_lines(scene):
    lines = (scene / "exposure.txt").read_text().split()
    (scene / "exposure.txt").write_text("\n".join([lines[1], lines[0], lines[2]]))


def shift_long(scene):
    lines = [float(line) for line in (scene / "exposure.txt").read_text().split()]
    (scene / "exposure.txt").write_text(f"{lines[0]}\n{lines[1]}\n{lines[2] + 1.5}\n")


def truth_of_another_scene(scene):
    other = sorted(scene.parent.iterdir())[5]
    for name in ("HDRImg.exr", "HDRImg.hdr"):
        (scene / name).write_bytes((other / name).read_bytes())


FAULTS = {
    "no frame": (lambda s: (s / "1.tif").unlink(), "2 .tif frames, expected 3"),
    "damaged frame": (
        lambda s: (s / "2.tif").write_bytes((s / "2.tif").read_bytes()[:5000]),
        r"2\.tif: .*truncated|2\.tif: .*damaged",
    ),
    "8 bits": (
        lambda s: rewrite_frame(s / "0.tif", lambda x: (x >> 8).astype(np.uint8)),
        r"0\.tif: has 8 bits, expected 16",
    ),
    "blank frame": (
        lambda s: rewrite_frame(s / "2.tif", lambda x: np.full_like(x, 700)),
        r"2\.tif: every pixel is 0\.01",
    ),
    "small frame": (
        lambda s: rewrite_frame(s / "2.tif", lambda x: x[:, :-2]),
        "126x96",
    ),
    "no exposures": (lambda s: (s / "exposure.txt").unlink(), "exposure.txt is missing"),
    "two exposures": (lambda s: (s / "exposure.txt").write_text("0\n2\n"), "2 exposures for 3"),
    "text": (lambda s: (s / "exposure.txt").write_text("a\nb\nc\n"), "not a number of stops"),
    "equal exposures": (lambda s: (s / "exposure.txt").write_text("0\n2\n2\n"), "same exposure"),
    "swapped exposures": (swap_lines, "EV (darker|brighter) than"),
    "long exposure": (shift_long, r"EV brighter than 2\.tif|EV darker than 2\.tif"),
    "no truth": (drop_truth, "HDRImg.hdr is missing"),
    "damaged truth": (
        lambda s: (s / "HDRImg.hdr").write_bytes((s / "HDRImg.hdr").read_bytes()[:4000]),
        r"HDRImg\.hdr: ",
    ),
    "NaN": (store_nan, r"HDRImg\.exr: 3 values are NaN or infinite"),
    "above white": (lambda s: rewrite_truth(s, lambda x: x * 3), "expected at most 1"),
    "half as bright": (lambda s: rewrite_truth(s, lambda x: x * 0.4), "EV darker|EV brighter"),
    "small truth": (lambda s: rewrite_truth(s, lambda x: x[:-3]), "128x93"),
    "black truth": (lambda s: rewrite_truth(s, lambda x: x * 0), "black"),
    "mirrored truth": (lambda s: rewrite_truth(s, lambda x: x[::-1, ::-1]), "does not show"),
    "truth of another scene": (truth_of_another_scene, "does not show|EV (darker|brighter)"),
}


def test_a_sound_set_has_no_problems(synthetic):
    calls = []
    report = check_dataset(synthetic, on_item=lambda *call: calls.append(call))
    assert report.kind == "kalantari"
    assert report.items == 8
    assert report.problems == ()
    assert calls[-1] == (8, 8)


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(fault, scene):
    plant, message = FAULTS[fault]
    plant(scene)
    report = check_dataset(scene.parent)
    assert report.items == 8
    assert any(re.search(message, str(problem)) for problem in report.problems), report.problems
    # Nothing else is blamed.
    assert all(problem.path in (scene, *scene.glob("*")) for problem in report.problems)


def test_shards_are_checked(shards, tmp_path):
    assert check_dataset(shards).problems == ()
    (tmp_path / "shard-000.safetensors").write_bytes(b"nothing")
    (problem,) = check_dataset(tmp_path).problems
    assert "damaged shard" in problem.message


def test_radiance_maps_are_checked(maps, tmp_path):
    report = check_dataset(maps)
    assert (report.kind, report.items, report.problems) == ("hdr", 4, ())
    pixels = np.full((80, 90, 3), 0.5, np.float32)
    write_hdr(tmp_path / "black.hdr", HdrImage(pixels * 0))
    write_hdr(tmp_path / "tiny.exr", HdrImage(pixels[:9]))
    write_hdr(tmp_path / "sound.exr", HdrImage(pixels * 1000))
    (tmp_path / "text.exr").write_text("hello")
    found = {problem.path.name: problem.message for problem in check_dataset(tmp_path).problems}
    assert set(found) == {"black.hdr", "tiny.exr", "text.exr"}
    assert "black" in found["black.hdr"]
    assert "90x9" in found["tiny.exr"]


def test_a_folder_with_nothing_to_check(tmp_path):
    with pytest.raises(InputError, match="holds no scenes"):
        check_dataset(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        check_dataset(tmp_path / "absent")
