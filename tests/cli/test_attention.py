"""`ahdr attention`: pictures of what the network trusts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from ahdr_cli.radiometry.colourmap import colour_table


def test_writes_means_channels_and_an_overview(ahdr, bracket, tiny_model, tmp_path):
    folder = tmp_path / "maps"
    arguments = ("attention", *bracket, "-o", folder, "--model", tiny_model, "--channels", "0,3")
    result = ahdr(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in folder.iterdir()} == {
        "overview.png",
        *(f"{side}_{part}.png" for side in ("short", "long")
          for part in ("mean", "channel_00", "channel_03")),
    }  # fmt: skip # one line would not fit
    found = json.loads(result.stdout)
    assert found["channels"] == [0, 3]
    assert 0 < found["mean"]["short"] < 1
    colours = {tuple(colour) for colour in colour_table().tolist()}
    with Image.open(folder / "short_mean.png") as picture:
        assert picture.size == (56, 40)
        pixels = np.asarray(picture).reshape(-1, 3)
        assert {tuple(colour) for colour in pixels.tolist()} <= colours
    again = ahdr(*arguments)
    assert again.exit_code == 6 and "--overwrite" in again.stderr
    assert ahdr(*arguments, "--overwrite", "--quiet").exit_code == 0


def test_chooses_channels_by_itself(ahdr, bracket, tiny_model, tmp_path):
    result = ahdr("attention", *bracket, "-o", tmp_path / "maps", "--model", tiny_model)
    assert result.exit_code == 0, result.stderr
    assert len(list((tmp_path / "maps").glob("short_channel_*.png"))) == 4


@pytest.mark.parametrize("channels", ["many", "1,", "-1", "99"])
def test_channels_that_mean_nothing(ahdr, bracket, tiny_model, tmp_path, channels):
    result = ahdr(
        "attention", *bracket, "-o", tmp_path / "m", "--model", tiny_model, "--channels", channels
    )
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_network_without_attention(ahdr, bracket, tmp_path):
    from ahdr_cli import AHDRConfig, AHDRNet, save_checkpoint

    config = AHDRConfig(attention=False, features=4, growth=2, layers=1, num_blocks=1)
    path = tmp_path / "plain.safetensors"
    save_checkpoint(path, config=config, state_dict=AHDRNet(config).state_dict(), provenance={})
    result = ahdr("attention", *bracket, "-o", tmp_path / "maps", "--model", path)
    assert result.exit_code == 5
    assert "no attention" in result.stderr
    assert not (tmp_path / "maps").exists()


def test_the_folder_is_a_file(ahdr, bracket, tiny_model, tmp_path):
    path = tmp_path / "taken"
    path.write_bytes(np.zeros(4).tobytes())
    result = ahdr("attention", *bracket, "-o", path, "--model", tiny_model)
    assert result.exit_code == 6


def test_shows_the_frames_as_a_merge_would_see_them(ahdr, large_bracket, tiny_model, tmp_path):
    with Image.open(large_bracket[0]) as picture:
        moved = np.roll(np.asarray(picture), 6, axis=1)
        exif = picture.getexif()
    Image.fromarray(moved).save(large_bracket[0], quality=97, subsampling=0, exif=exif)

    def means(name, *flags):
        result = ahdr(
            "attention", *large_bracket, "-o", tmp_path / name, "--model", tiny_model, "--json",
            "--response", "gamma",
            *flags,
        )  # fmt: skip # a command line reads best in few lines
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)["mean"]

    aligned, left = means("aligned"), means("left", "--align", "off")
    assert aligned["short"] != left["short"]
    assert aligned["long"] == left["long"]
    assert ahdr("attention", *large_bracket, "-o", tmp_path, "--align", "on").exit_code == 2


def test_nothing_is_written_where_one_picture_may_not_be(ahdr, bracket, tiny_model, tmp_path):
    mine = tmp_path / "short_channel_01.png"
    mine.write_text("mine")
    result = ahdr(
        *("attention", *bracket, "--ev=-2,0,2", "--model", tiny_model),
        *("--channels", "0,1", "-o", tmp_path),
    )
    assert result.exit_code == 6
    assert mine.name in result.stderr
    assert set(tmp_path.iterdir()) - set(bracket) == {mine}
    assert mine.read_text() == "mine"
