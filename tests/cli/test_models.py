"""`ahdr models`."""

from __future__ import annotations

import json

import pytest


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
    assert facts["macs_per_pixel"] == 1_449_024
    assert facts["receptive_radius"] == 43
    assert facts["provenance"]
    assert "1449024" in ahdr("models", "show", "ahdrnet").stdout


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


def test_import_of_something_else(ahdr, bracket, tmp_path):
    result = ahdr("models", "import", bracket[0], "-o", tmp_path / "out.safetensors")
    assert result.exit_code == 5
    assert "low.jpg" in result.stderr
    assert not (tmp_path / "out.safetensors").exists()
