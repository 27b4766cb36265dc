"""`ahdr models`."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from ahdr_cli.images import HdrImage
from ahdr_cli.inference import int8_support
from ahdr_cli.io import write_hdr


def test_list_gives_cost_reach_and_scores(ahdr):
    result = ahdr("models", "list")
    assert result.exit_code == 0
    assert "(default)" in result.stdout
    models = json.loads(ahdr("models", "list", "--json").stdout)["models"]
    assert [model["name"] for model in models] == ["ahdrnet", "fast"]
    assert sum(model["default"] for model in models) == 1
    for model in models:
        assert f"{model['macs_per_pixel'] / 1000:.0f}" in result.stdout
        assert f"{model['receptive_radius']} px" in result.stdout
        assert f"{model['scores']['validation']['psnr_mu']:.2f}" in result.stdout


def test_show_gives_cost_and_provenance(ahdr):
    facts = json.loads(ahdr("models", "show", "ahdrnet", "--json").stdout)
    assert facts["parameters"] == 1_443_591
    assert facts["macs_per_pixel"] == 1_450_320
    assert facts["receptive_radius"] == 45
    assert facts["provenance"]
    assert "1450320" in ahdr("models", "show", "ahdrnet").stdout


def test_verify_checks_all_shipped_weights(ahdr):
    result = ahdr("models", "verify")
    assert result.exit_code == 0, result.stderr
    assert "ahdrnet: ok" in result.stdout


def test_import_rewrites_our_own_layout(ahdr, tiny_model, tmp_path):
    output = tmp_path / "copy.safetensors"
    assert ahdr("models", "import", tiny_model, "-o", output).exit_code == 0
    facts = json.loads(ahdr("models", "show", output, "--json").stdout)
    assert facts["config"]["features"] == 4
    assert ahdr("models", "import", tiny_model, "-o", output).exit_code == 6


@pytest.mark.parametrize("command", ["show", "verify"])
def test_unknown_names(ahdr, command):
    result = ahdr("models", command, "ahdrnett")
    assert result.exit_code == 5
    assert "ahdrnett" in result.stderr


def test_verify_takes_files_too(ahdr, tiny_model, tmp_path):
    result = ahdr("models", "verify", tiny_model, "fast")
    assert result.exit_code == 0, result.stderr
    sha256 = hashlib.sha256(tiny_model.read_bytes()).hexdigest()
    assert f"{tiny_model}: ok, sha256 {sha256}" in result.stdout
    assert "fast: ok" in result.stdout
    (tmp_path / "damaged.safetensors").write_bytes(tiny_model.read_bytes()[:-100])
    result = ahdr("models", "verify", tmp_path / "damaged.safetensors")
    assert (result.exit_code, result.stdout) == (5, "")


def test_import_writes_safetensors_only(ahdr, tiny_model, tmp_path):
    result = ahdr("models", "import", tiny_model, "-o", tmp_path / "copy.pt")
    assert result.exit_code == 6
    assert "expected .safetensors" in result.stderr
    assert not (tmp_path / "copy.pt").exists()


def test_import_of_something_else(ahdr, bracket, tmp_path):
    result = ahdr("models", "import", bracket[0], "-o", tmp_path / "out.safetensors")
    assert result.exit_code == 5
    assert "low.jpg" in result.stderr
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.skipif(
    not int8_support._sums_are_exact(), reason="this processor's 8-bit sums overflow"
)
def test_a_calibrated_model_merges_in_int8(ahdr, tiny_model, bracket, scene, tmp_path):
    maps = tmp_path / "maps"
    maps.mkdir()
    large = np.tile(scene, (6, 5, 1)).astype(np.float32)
    write_hdr(maps / "scene.hdr", HdrImage(large))
    output = tmp_path / "calibrated.safetensors"
    words = ("models", "calibrate", tiny_model, "-o", output, "--data", f"hdr:{maps}")
    result = ahdr(*words, "--samples", 4)
    assert result.exit_code == 0, result.stderr
    assert "PSNR-μ on training brackets" in result.stderr
    facts = json.loads(ahdr("models", "show", output, "--json").stdout)
    assert facts["int8"] == "calibrated"
    assert "training brackets" in facts["provenance"]["calibration"]
    assert ahdr(*words).exit_code == 6  # the file is there
    merged = tmp_path / "out.exr"
    result = ahdr("merge", *bracket, "-o", merged, "--model", output, "--precision", "int8", "-v")
    assert result.exit_code == 0, result.stderr
    assert "int8" in result.stderr


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (["--runtime", "torch"], 7, "torch does not compute in int8"),
        (["--device", "cpu"], 5, "carry no activation ranges"),
        (["--model", "fast"], 5, "int8 is for AHDRNet only"),
    ],
)
def test_int8_is_refused_in_a_line(ahdr, tiny_model, bracket, monkeypatch, options, code, reason):
    monkeypatch.setattr(int8_support, "_sums_are_exact", lambda: True)
    output = bracket[0].with_name("out.exr")
    words = ("merge", *bracket, "-o", output, "--device", "cpu", "--model", tiny_model)
    result = ahdr(*words, "--precision", "int8", *options)
    assert result.exit_code == code
    assert reason in result.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["fast", "--data", "hdr:x"], 3, "no such folder"),
        (["fast", "--data", "x"], 2, "is no source of data"),
        (["fast"], 2, "--data"),
    ],
)
def test_calibration_with_wrong_words(ahdr, tmp_path, words, code, reason):
    output = tmp_path / "out.safetensors"
    result = ahdr("models", "calibrate", *words, "-o", output)
    assert result.exit_code == code
    assert reason in result.stderr
    assert not output.exists()


def test_export_writes_onnx(ahdr, tmp_path):
    output = tmp_path / "fast.onnx"
    result = ahdr("models", "export", "fast", "-o", output)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert output.stat().st_size > 2_000_000


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("fast", "-o", "fast.pt"), 6, "suffix '.pt', expected .onnx"),
        (("fast", "-o", "fast.onnx", "--precision", "fp16"), 2, "precision must be fp32 or int8"),
        (("nobody", "-o", "fast.onnx"), 5, "nobody"),
    ],
)
def test_export_of_what_cannot_be(ahdr, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    result = ahdr("models", "export", *arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []
