"""`ahdr merge`: what it writes, and every way in which a user can get it wrong."""

from __future__ import annotations

import itertools
import json
import os

import numpy as np
import pytest
from PIL import Image

from ahdr_cli import read_hdr
from ahdr_cli.radiometry.response import ResponseCurve
from ahdr_cli.radiometry.tonemap import render


@pytest.fixture
def merge(ahdr, tiny_model):
    """`ahdr merge` with the tiny model."""
    return lambda *arguments: ahdr("merge", "--model", tiny_model, *arguments)


def complaint(result) -> str:
    """The one line on stderr; there must be no more, and no traceback."""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("ahdr: error: ")
    return lines[0]


def produced(folder) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".jpg"}


@pytest.mark.parametrize("suffix", [".hdr", ".exr", ".tif"])
def test_writes_result_and_preview(merge, bracket, tmp_path, suffix):
    output = tmp_path / f"out{suffix}"
    result = merge(*bracket, "-o", output)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert produced(tmp_path) == {output.name, "out_preview.png"}
    with Image.open(tmp_path / "out_preview.png") as preview:
        assert preview.size == (56, 40)


@pytest.mark.parametrize("option", ["-o", "--preview", "--report"])
@pytest.mark.parametrize("folder", [".", "./", "/", "..", "sub"])
def test_a_folder_is_no_output(merge, bracket, tmp_path, monkeypatch, option, folder):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    result = merge(*bracket, "-o", "out.exr", option, folder)
    assert result.exit_code == 6
    assert "is a folder, expected the name of a file, ." in complaint(result)
    assert produced(tmp_path) == {"sub"}


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (".exr", ".exr: is a suffix without a name (write out.exr)"),
        ("out", "out: has no suffix, expected .exr or .hdr or .tif or .tiff"),
        ("out.png", "out.png: suffix '.png', expected .exr or .hdr or .tif or .tiff"),
    ],
)
def test_an_output_needs_name_and_suffix(merge, bracket, tmp_path, monkeypatch, output, words):
    monkeypatch.chdir(tmp_path)
    result = merge(*bracket, "-o", output)
    assert result.exit_code == 6
    assert complaint(result) == f"ahdr: error: {words}"


@pytest.mark.parametrize(
    ("suffix", "flag", "able"),
    [
        (".hdr", "--float", ".exr or .tif or .tiff"),
        (".HDR", "--float", ".exr"),
        (".tif", "--chromaticities", ".hdr or .exr"),
    ],
)
def test_an_option_that_the_format_cannot_follow(merge, bracket, tmp_path, suffix, flag, able):
    result = merge(*bracket, "-o", tmp_path / f"out{suffix}", flag)
    assert result.exit_code == 2
    line = complaint(result)
    assert f"{flag} means nothing for {suffix.lower()}" in line
    assert able in line
    assert produced(tmp_path) == set()


@pytest.mark.parametrize(("suffix", "flag"), [(".tif", "--float"), (".hdr", "--chromaticities")])
def test_an_option_that_asks_for_what_the_format_always_is(merge, bracket, tmp_path, suffix, flag):
    assert merge(*bracket, "-o", tmp_path / f"out{suffix}", flag).exit_code == 0


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--quiet", "--verbose"), "--quiet and --verbose contradict each other"),
        (("--extend", "on"), "extend must be"),
        (("--tile", "7"), "--tile must be"),
    ],
)
def test_options_are_looked_at_before_files(merge, tmp_path, flags, words):
    (tmp_path / "out.exr").touch()
    result = merge("a.jpg", "b.jpg", "c.jpg", "-o", tmp_path / "out.exr", *flags)
    assert result.exit_code == 2
    assert words in complaint(result)


def test_one_file_twice(merge, bracket, tmp_path):
    low, mid, _ = bracket
    result = merge(low, mid, mid, "-o", tmp_path / "out.exr", "--ev", "-2,0,2")
    assert result.exit_code == 2
    assert complaint(result) == f"ahdr: error: {mid}: is given twice"
    assert produced(tmp_path) == set()


def test_the_previews_white_is_that_of_the_shortest_frame(merge, bracket, tmp_path):
    output = tmp_path / "out.exr"
    assert merge(*bracket, "-o", output, "--float").exit_code == 0
    with Image.open(tmp_path / "out_preview.png") as preview:
        shown = np.asarray(preview)
    expected = render(read_hdr(output).pixels, "mu-law", white=4.0)  # 2 EV below the reference
    np.testing.assert_array_equal(shown, expected)


def test_the_order_of_arguments_does_not_matter(merge, bracket, tmp_path):
    results = []
    for i, order in enumerate(itertools.permutations(bracket)):
        output = tmp_path / f"{i}.exr"
        assert merge(*order, "-o", output, "--float", "--no-preview").exit_code == 0
        results.append(read_hdr(output).pixels)
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)


def test_flags_win_over_exif_and_follow_the_order_of_arguments(merge, bracket, tmp_path):
    low, mid, high = bracket
    result = merge(high, low, mid, "--ev", "3,0,1.5", "-o", tmp_path / "out.hdr", "--json")
    ratios = {item["path"]: item["ratio"] for item in json.loads(result.stdout)["inputs"]}
    assert ratios == pytest.approx({str(low): 1.0, str(mid): 2**1.5, str(high): 8.0})


def test_stops_are_not_written_as_shutter_times(merge, bracket, tmp_path):
    for flags, seconds in ((("--ev", "-2,0,2"), None), (("--exposures", "1,4,16"), 4.0)):
        output = tmp_path / f"{seconds}.exr"
        result = merge(*bracket, *flags, "-o", output, "--json")
        assert result.exit_code == 0, result.stderr
        exposure = read_hdr(output).exposure
        assert (exposure and exposure.seconds) == seconds
        assert json.loads(result.stdout)["inputs"][1]["seconds"] == seconds


def test_every_kind_of_exposure_flag_says_the_same(merge, bracket, tmp_path):
    ev_file = tmp_path / "exposure.txt"
    ev_file.write_text("-2\n0\n2\n")
    flags = [
        ("--ev", "-2,0,2"),
        ("--exposures", "1/400,1/100,1/25"),
        ("--exposures", "0.0025,0.01,0.04"),
        ("--ev-file", ev_file),
    ]
    results = []
    for i, flag in enumerate(flags):
        output = tmp_path / f"{i}.exr"
        result = merge(*bracket, *flag, "-o", output, "--float", "--no-preview")
        assert result.exit_code == 0, result.stderr
        results.append(read_hdr(output).pixels)
    for other in results[1:]:
        np.testing.assert_allclose(results[0], other, rtol=1e-5, atol=1e-6)


def test_json_is_one_object_with_everything(merge, bracket, tmp_path):
    output = tmp_path / "out.exr"
    report = json.loads(merge(*bracket, "-o", output, "--json").stdout)
    assert [item["path"] for item in report["inputs"]] == [str(path) for path in bracket]
    assert [item["ratio"] for item in report["inputs"]] == pytest.approx([1, 4, 16])
    assert report["output"] == str(output)
    assert report["preview"] == str(tmp_path / "out_preview.png")
    assert report["size"] == {"width": 56, "height": 40}
    assert len(report["sha256"]) == 64
    assert {"model", "device", "precision", "tile", "runtime"} <= set(report)
    assert set(report["seconds"]) == {"read", "merge", "write"}


def shifted(path, pixels):
    """Shift a photograph to the right by whole pixels, keeping its EXIF."""
    with Image.open(path) as picture:
        moved = np.roll(np.asarray(picture), pixels, axis=1)
        Image.fromarray(moved).save(path, quality=97, subsampling=0, exif=picture.getexif())


def test_camera_motion_is_undone_unless_told_not_to(merge, large_bracket, tmp_path):
    still = read_hdr_of(merge, large_bracket, tmp_path / "still.exr")
    shifted(large_bracket[0], 6)
    report = json.loads(
        merge(*large_bracket, "-o", tmp_path / "a.exr", "--no-preview", "--json").stdout
    )
    assert report["aligned_px"] == pytest.approx([6, 0], abs=0.5)
    aligned = read_hdr(tmp_path / "a.exr").pixels
    left = read_hdr_of(merge, large_bracket, tmp_path / "left.exr", "--align", "off")
    inside = np.s_[8:-8, 8:-8]
    assert np.abs(aligned - still)[inside].mean() < 0.3 * np.abs(left - still)[inside].mean()


def bend(paths, **curve):
    """Undo γ 2.2, and put another curve in its place."""
    for path in paths:
        with Image.open(path) as picture:
            values = ResponseCurve(**curve).encode((np.asarray(picture) / 255.0) ** 2.2)
            bent = Image.fromarray(np.round(values * 255).astype(np.uint8))
            bent.save(path, quality=97, subsampling=0, exif=picture.getexif())


def test_a_cameras_curve_is_noticed_unless_told_not_to(merge, large_bracket, tmp_path):
    """One with a toe and a shoulder."""
    bend(large_bracket, gamma=0.75, linear=1.2, square=0.8)

    def measure(name, *flags):
        path = tmp_path / f"{name}.json"
        result = merge(
            *large_bracket, "-o", tmp_path / f"{name}.exr", "--json", "--report", path, *flags
        )
        assert result.exit_code == 0, result.stderr
        frames = json.loads(path.read_text(encoding="utf-8"))["frames"]
        return json.loads(result.stdout)["matched_ev"], frames

    matched_ev, matched = measure("matched")
    assert matched_ev > 0.5
    assumed_ev, assumed = measure("assumed", "--response", "gamma")
    assert assumed_ev is None
    # The report compares the frames as they were merged.
    assert matched != assumed


@pytest.mark.parametrize(
    ("curve", "response", "way", "words"),
    [
        ({"gamma": 0.75, "linear": 1.2, "square": 0.8}, "auto", "matched", "outer frames matched"),
        ({"gamma": 2.05}, "auto", "straightened", "near γ 2.2, undone in all frames"),
        ({"gamma": 2.05}, "linear", "linear", "values are in proportion to light"),
    ],
)
def test_what_was_done_about_the_curve_is_said(
    merge, large_bracket, tmp_path, curve, response, way, words
):
    bend(large_bracket, **curve)
    flags = ("-o", tmp_path / "x.exr", "--no-preview", "-v", "--json", "--response", response)
    result = merge(*large_bracket, *flags)
    assert json.loads(result.stdout)["curve"] == way
    (line,) = (line for line in result.stderr.splitlines() if "with γ 2.2 the frames are" in line)
    assert words in line


def test_linear_without_a_curve_to_be_found_is_a_warning(merge, bracket, tmp_path):
    for path, grey in zip(bracket, (3, 128, 255), strict=True):
        with Image.open(path) as picture:
            flat = Image.new("RGB", picture.size, (grey, grey, grey))
            flat.save(path, exif=picture.getexif())
    flags = ("-o", tmp_path / "x.exr", "--no-preview", "--response")
    assert "do not tell the camera's curve" in merge(*bracket, *flags, "linear").stderr
    assert "camera's curve" not in merge(*bracket, *flags, "auto", "--overwrite").stderr


def test_an_unknown_response_is_refused(merge, bracket, tmp_path):
    result = merge(*bracket, "-o", tmp_path / "x.exr", "--response", "srgb")
    assert result.exit_code == 2
    assert "response must be auto, gamma or linear, got 'srgb'" in result.stderr


def test_report_measures_the_frames_as_they_were_merged(merge, large_bracket, tmp_path):
    shifted(large_bracket[0], 6)

    def short_frame(name, *flags):
        path = tmp_path / f"{name}.json"
        result = merge(*large_bracket, "-o", tmp_path / f"{name}.exr", "--report", path, *flags)
        assert result.exit_code == 0, result.stderr
        return json.loads(path.read_text(encoding="utf-8"))["frames"][0]

    aligned, left = short_frame("aligned"), short_frame("left", "--align", "off")
    assert aligned["moved_px"] == pytest.approx(6, abs=0.5)
    assert left["moved_px"] == 0
    # The untrained network explains little, but more where the frames fit together.
    assert aligned["psnr"] != left["psnr"]


def test_report_is_a_page_and_its_numbers_are_said(merge, bracket, tmp_path):
    page = tmp_path / "r.html"
    result = merge(*bracket, "-o", tmp_path / "out.exr", "--report", page)
    assert result.exit_code == 0, result.stderr
    assert "<title>Merge: out.exr</title>" in page.read_text(encoding="utf-8")
    assert str(page) in result.stderr and "the middle frame" in result.stderr
    result = merge(*bracket, "-o", tmp_path / "o.exr", "--report", tmp_path / "r.json", "--json")
    found = json.loads(result.stdout)
    assert found["report"] == str(tmp_path / "r.json")
    assert len(found["consistency"]) == 3 and found["seconds"]["report"] >= 0


def test_report_is_refused_before_the_work(merge, bracket, tmp_path):
    report = tmp_path / "r.pdf"
    line = complaint(merge(*bracket, "-o", tmp_path / "out.exr", "--report", report))
    assert ".html" in line and ".json" in line
    (tmp_path / "r.json").write_text("mine")
    result = merge(*bracket, "-o", tmp_path / "out.exr", "--report", tmp_path / "r.json")
    assert result.exit_code == 6
    assert not (tmp_path / "out.exr").exists()
    assert (tmp_path / "r.json").read_text() == "mine"


def read_hdr_of(merge, bracket, output, *flags):
    assert merge(*bracket, "-o", output, "--no-preview", *flags).exit_code == 0
    return read_hdr(output).pixels


def test_more_than_three_frames_are_merged_and_named(merge, bracket, tmp_path):
    low, mid, high = bracket
    longer = tmp_path / "longer.jpg"
    longer.write_bytes(high.read_bytes())
    result = merge(low, mid, high, longer, "--ev", "-2,0,2,4", "-o", tmp_path / "out.hdr")
    assert result.exit_code == 0, result.stderr
    assert "4 frames: merging" in result.stderr


@pytest.fixture
def five(tmp_path) -> list:
    """Five frames in steps of 2 EV of a lamp that only the shortest shows, as 0.png to 4.png."""
    y, x = np.mgrid[:48, :64]
    distance = np.hypot(x - 40, y - 20)
    light = 0.1 + 12.0 / (1.0 + np.exp((distance - 6.0) / 1.5))
    paths = []
    for index, ev in enumerate((-4, -2, 0, 2, 4)):
        levels = np.rint(np.clip(light * 2.0**ev, 0, 1) ** (1 / 2.2) * 255)
        paths.append(tmp_path / f"{index}.png")
        Image.fromarray(np.repeat(levels[..., None], 3, axis=2).astype(np.uint8)).save(paths[-1])
    return paths


FIVE_EV = ("--ev", "-4,-2,0,2,4", "--no-preview", "--device", "cpu")


def test_highlights_come_from_the_frames_beyond(ahdr, five, tmp_path):
    output = tmp_path / "out.exr"
    result = ahdr("merge", "--model", "fast", *five, *FIVE_EV, "-v", "-o", output)
    assert result.exit_code == 0, result.stderr
    said = "5 frames: merging 1.png, 2.png, 3.png; highlights from 0.png; without 4.png"
    assert said in result.stderr
    assert f"{five[0]}: 0.25 × the shortest exposure" in result.stderr
    assert 11.0 < read_hdr(output).pixels.max() < 13.0
    off = tmp_path / "off.exr"
    result = ahdr("merge", "--model", "fast", *five, *FIVE_EV, "--extend", "off", "-o", off)
    assert "merging 1.png, 2.png, 3.png; without 0.png, 4.png" in result.stderr
    assert "warning" not in result.stderr
    assert read_hdr(off).pixels.max() <= 4.0


def test_json_says_what_every_frame_was_used_for(merge, five, tmp_path):
    output = tmp_path / "out.exr"
    report = json.loads(merge(*five, *FIVE_EV, "--json", "-o", output).stdout)
    assert [item["path"] for item in report["inputs"]] == [str(path) for path in five[1:4]]
    (further,) = report["highlights"]
    assert further["path"] == str(five[0])
    assert further["ratio"] == pytest.approx(0.25)
    assert further["gain"] is None  # a lamp has no flat places
    assert further["aligned_px"] == 0
    assert report["unused"] == [str(five[4])]
    arguments = (*five, *FIVE_EV, "--extend", "off", "--json", "--overwrite", "-o", output)
    report = json.loads(merge(*arguments).stdout)
    assert report["highlights"] == []
    assert report["unused"] == [str(five[0]), str(five[4])]


def test_a_frame_that_is_not_needed_is_not_used(merge, five, tmp_path):
    dim = np.full((48, 64, 3), 90, np.uint8)
    for path in five[:2]:
        Image.fromarray(dim).save(path)
    result = merge(*five, *FIVE_EV, "-o", tmp_path / "out.exr")
    assert "5 frames: merging 1.png, 2.png, 3.png; without 4.png, 0.png" in result.stderr


def test_an_exposure_beyond_belief_is_a_warning(merge, five, tmp_path):
    bright = np.repeat(np.geomspace(30, 255, 64)[None], 48, axis=0)
    for path, gain in zip(five[:2], (1.0, 1.0), strict=True):
        pixels = np.rint(np.minimum(bright * gain, 255)).astype(np.uint8)
        Image.fromarray(np.repeat(pixels[..., None], 3, axis=2)).save(path)
    result = merge(*five, *FIVE_EV, "-o", tmp_path / "out.exr")
    assert result.exit_code == 0
    assert "0.png shows 2.0 EV more light than its exposure says" in result.stderr


def test_a_further_frame_that_cannot_be_used_stops_the_merge(merge, five, tmp_path):
    five[0].write_bytes(five[0].read_bytes()[:300])
    result = merge(*five, *FIVE_EV, "-o", tmp_path / "out.exr")
    assert result.exit_code == 3
    assert "0.png" in complaint(result)
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(five[0])
    result = merge(*five, *FIVE_EV, "-o", tmp_path / "out.exr")
    assert result.exit_code == 3
    assert "0.png" in result.stderr
    assert not (tmp_path / "out.exr").exists()


def test_an_unknown_way_to_extend_is_refused(merge, bracket, tmp_path):
    result = merge(*bracket, "--extend", "on", "-o", tmp_path / "out.exr")
    assert result.exit_code == 2
    assert "extend must be auto or off, got 'on'" in complaint(result)


def test_a_jpeg_preview_goes_where_it_is_asked(merge, bracket, tmp_path):
    where = tmp_path / "look.jpg"
    assert merge(*bracket, "-o", tmp_path / "out.hdr", "--preview", where).exit_code == 0
    with Image.open(where) as preview:
        assert preview.getexif().get_ifd(0x8769)[0x829A] == pytest.approx(0.01)
    assert produced(tmp_path) == {"out.hdr"}


def test_nothing_is_replaced_unasked(merge, bracket, tmp_path):
    output = tmp_path / "out.hdr"
    output.write_bytes(b"precious")
    result = merge(*bracket, "-o", output)
    assert result.exit_code == 6
    assert str(output) in complaint(result)
    assert "--overwrite" in complaint(result)
    assert output.read_bytes() == b"precious"
    assert produced(tmp_path) == {"out.hdr"}

    assert merge(*bracket, "-o", output, "--overwrite").exit_code == 0
    assert output.read_bytes() != b"precious"


def test_an_existing_preview_stops_the_merge_before_it_begins(merge, bracket, tmp_path):
    preview = tmp_path / "out_preview.png"
    preview.write_bytes(b"precious")
    result = merge(*bracket, "-o", tmp_path / "out.hdr")
    assert result.exit_code == 6
    assert produced(tmp_path) == {"out_preview.png"}
    assert preview.read_bytes() == b"precious"


def test_an_input_is_never_an_output(merge, bracket, tmp_path):
    before = bracket[0].read_bytes()
    result = merge(*bracket, "-o", tmp_path / "out.hdr", "--preview", bracket[0], "--overwrite")
    assert result.exit_code == 2
    assert bracket[0].read_bytes() == before


def test_equal_exposures(merge, bracket, tmp_path):
    again = tmp_path / "again.jpg"
    again.write_bytes(bracket[0].read_bytes())
    result = merge(bracket[0], again, bracket[2], "-o", tmp_path / "out.hdr")
    assert result.exit_code == 4
    assert "low.jpg" in complaint(result)


def test_missing_exposure_names_file_and_flag(merge, bracket, tmp_path):
    with Image.open(bracket[1]) as picture:
        picture.save(bracket[1], quality=95)  # drops EXIF
    result = merge(*bracket, "-o", tmp_path / "out.hdr")
    assert result.exit_code == 4
    assert "mid.jpg" in complaint(result)
    assert "--ev" in complaint(result)
    assert "--exposures" in complaint(result)


def test_different_sizes(merge, bracket, tmp_path):
    exif = Image.open(bracket[2]).getexif()
    Image.new("RGB", (40, 40)).save(bracket[2], exif=exif)
    result = merge(*bracket, "--ev", "-2,0,2", "-o", tmp_path / "out.hdr")
    assert result.exit_code == 3
    assert "40" in complaint(result)
    assert "56" in complaint(result)


@pytest.mark.parametrize("keep", [0, 3, 200, 0.5, 0.95])
def test_a_truncated_file(merge, bracket, tmp_path, keep):
    data = bracket[1].read_bytes()
    bracket[1].write_bytes(data[: int(keep if keep == int(keep) else keep * len(data))])
    result = merge(*bracket, "--ev", "-2,0,2", "-o", tmp_path / "out.hdr")
    assert result.exit_code == 3
    assert "mid.jpg" in complaint(result)
    assert produced(tmp_path) == set()


def test_a_missing_file(merge, bracket, tmp_path):
    result = merge(bracket[0], bracket[1], tmp_path / "gone.jpg", "-o", tmp_path / "out.hdr")
    assert result.exit_code == 3
    assert "gone.jpg" in complaint(result)


def test_fewer_than_three_frames(merge, bracket, tmp_path):
    result = merge(*bracket[:2], "-o", tmp_path / "out.hdr")
    assert result.exit_code == 2
    assert "three" in complaint(result)


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--ev", "0,1"), 4),  # too few for the files
        (("--exposures", "1,2,3,4"), 4),
        (("--ev", "0,1,2", "--exposures", "1,2,3"), 2),
        (("--ev", "a,b,c"), 4),
        (("--exposures", "0,1,2"), 4),
        (("--exposures", "1/0,1,2"), 4),
        (("--exposures", "__import__('os'),1,2"), 4),
        (("--ev", "nan,0,1"), 4),
        (("--ev-file", "gone.txt"), 4),
        (("--tile", "0"), 2),
        (("--tile", "big"), 2),
        (("--device", "abacus"), 2),
        (("--device", "cuda:99"), 7),
        (("--precision", "fp7"), 2),
        (("--runtime", "steam"), 2),
        (("--align", "maybe"), 2),
        (("--no-preview", "--preview", "a.png"), 2),
        (("--preview", "a.gif"), 6),
    ],
)
def test_flags_that_make_no_sense(merge, bracket, tmp_path, flags, code):
    result = merge(*bracket, "-o", tmp_path / "out.hdr", *flags)
    assert result.exit_code == code, result.stderr
    complaint(result)
    assert produced(tmp_path) == set()


@pytest.mark.parametrize("name", ["out.xyz", "out", "nowhere/out.hdr"])
def test_outputs_that_cannot_be_written(merge, bracket, tmp_path, name):
    result = merge(*bracket, "-o", tmp_path / name)
    assert result.exit_code == 6
    assert name.split("/")[0] in complaint(result)


def test_an_unknown_model(ahdr, bracket, tmp_path):
    result = ahdr("merge", *bracket, "--model", "ahdrnett", "-o", tmp_path / "out.hdr")
    assert result.exit_code == 5
    assert "ahdrnett" in complaint(result)


def test_damaged_weights(ahdr, bracket, tiny_model, tmp_path):
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(tiny_model.read_bytes()[:-20])
    result = ahdr("merge", *bracket, "--model", damaged, "-o", tmp_path / "out.hdr")
    assert result.exit_code == 5
    assert "damaged.safetensors" in complaint(result)


def test_wide_spacing_is_a_warning(merge, bracket, tmp_path):
    result = merge(*bracket, "--ev", "0,5,10", "-o", tmp_path / "out.hdr")
    assert result.exit_code == 0
    assert "warning" in result.stderr
    assert "EV" in result.stderr


def test_no_progress_bar_and_no_colour_without_a_terminal(merge, bracket, tmp_path):
    result = merge(*bracket, "-o", tmp_path / "out.hdr", "-v")
    assert "\x1b" not in result.output + result.stderr
    assert "device" in result.stderr


def test_quiet_is_quiet(merge, bracket, tmp_path):
    result = merge(*bracket, "-o", tmp_path / "out.hdr", "-q")
    assert (result.stdout, result.stderr) == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_a_link_to_itself_is_an_unreadable_input(ahdr, bracket, tmp_path):
    (tmp_path / "x.jpg").symlink_to("x.jpg")
    result = ahdr("merge", *bracket[:2], tmp_path / "x.jpg", "-o", tmp_path / "out.exr")
    assert result.exit_code == 3
    assert f"{tmp_path / 'x.jpg'}: cannot be opened" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="deleted directories")
def test_a_deleted_working_directory(ahdr, bracket, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    result = ahdr("merge", *bracket, "-o", "out.exr")
    assert result.exit_code == 6
    assert "out.exr: the working directory does not exist any more" in result.stderr
