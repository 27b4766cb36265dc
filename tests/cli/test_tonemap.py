"""`ahdr tonemap`."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ahdr_cli import HdrImage, write_hdr


@pytest.fixture
def radiance(tmp_path, scene):
    path = tmp_path / "scene.exr"
    write_hdr(path, HdrImage(scene.astype(np.float32)))
    return path


@pytest.mark.parametrize("operator", ["mu-law", "reinhard", "filmic", "linear"])
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_every_operator_writes_a_picture(ahdr, radiance, tmp_path, operator, suffix):
    output = tmp_path / f"out{suffix}"
    assert ahdr("tonemap", radiance, "-o", output, "--operator", operator).exit_code == 0
    with Image.open(output) as picture:
        pixels = np.asarray(picture).astype(int)
    assert pixels.shape == (40, 56, 3)
    assert pixels[:, -1].mean() > pixels[:, 0].mean() + 50


def test_the_default_is_the_mu_law_of_the_papers(ahdr, radiance, scene, tmp_path):
    output = tmp_path / "out.png"
    assert ahdr("tonemap", radiance, "-o", output, "--white", "4").exit_code == 0
    expected = np.log1p(5000 * scene / 4) / np.log1p(5000)
    actual = np.asarray(Image.open(output)) / 255
    # Half floats and 8 bits lie between the two.
    np.testing.assert_allclose(actual, expected, atol=1 / 255)


def test_exposure_brightens(ahdr, radiance, tmp_path):
    means = []
    for ev in (-1, 0, 1):
        output = tmp_path / f"{ev}.png"
        arguments = ("tonemap", radiance, "-o", output, "--operator", "linear", "--exposure", ev)
        assert ahdr(*arguments).exit_code == 0
        means.append(np.asarray(Image.open(output)).mean())
    assert means == sorted(means)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--operator", "magic"), 2),
        (("--white", "-1"), 2),
        (("--gamma", "0"), 2),
        (("--exposure", "nan"), 2),
    ],
)
def test_options_that_make_no_sense(ahdr, radiance, tmp_path, arguments, code):
    output = tmp_path / "out.png"
    result = ahdr("tonemap", radiance, "-o", output, *arguments)
    assert result.exit_code == code, result.stderr
    assert not output.exists()


def test_input_that_is_no_hdr_image(ahdr, bracket, tmp_path):
    result = ahdr("tonemap", bracket[0], "-o", tmp_path / "out.png")
    assert result.exit_code == 3
    assert "low.jpg" in result.stderr


def test_output_of_another_kind(ahdr, radiance, tmp_path):
    result = ahdr("tonemap", radiance, "-o", tmp_path / "out.exr")
    assert result.exit_code == 6


def test_nothing_is_replaced_unasked(ahdr, radiance, tmp_path):
    output = tmp_path / "out.png"
    output.write_bytes(b"precious")
    assert ahdr("tonemap", radiance, "-o", output).exit_code == 6
    assert output.read_bytes() == b"precious"
    assert ahdr("tonemap", radiance, "-o", output, "--overwrite").exit_code == 0
