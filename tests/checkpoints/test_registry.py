from __future__ import annotations

import subprocess
import sys

import pytest

from ahdr_cli.checkpoints import available_models, default_model, find_model, registry
from ahdr_cli.errors import ModelError, UnknownModelError


def test_the_shipped_model_is_there_and_the_default():
    assert "ahdrnet" in [entry.name for entry in available_models()]
    assert default_model() == find_model("ahdrnet")


def test_a_folder_may_be_added(weights_dir):
    entry = find_model("tiny")
    assert entry.path == weights_dir / "tiny.safetensors"
    assert available_models()[0].name == "tiny"
    assert default_model().name == "ahdrnet"


def test_an_added_model_hides_a_shipped_one_of_the_same_name(weights_dir, manifest_of):
    text = manifest_of(weights_dir / "tiny.safetensors", name='"ahdrnet"', default="true")
    (weights_dir / "MANIFEST.toml").write_text(text)
    assert [e.name for e in available_models()].count("ahdrnet") == 1
    assert default_model().path.parent == weights_dir


def test_an_added_folder_without_manifest(tmp_path, monkeypatch):
    monkeypatch.setenv("AHDR_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(ModelError, match=r"no MANIFEST\.toml") as caught:
        available_models()
    assert caught.value.path == tmp_path
    assert "AHDR_WEIGHTS_DIR" in caught.value.hint


def test_an_empty_variable_adds_nothing(monkeypatch):
    before = available_models()
    monkeypatch.setenv("AHDR_WEIGHTS_DIR", "")
    assert available_models() == before


def test_the_wheels_folder_comes_before_the_checkouts(weights_dir, tmp_path, monkeypatch):
    monkeypatch.delenv("AHDR_WEIGHTS_DIR")
    package = tmp_path / "site" / "ahdr_cli"
    package.mkdir(parents=True)
    monkeypatch.setattr(registry, "_PACKAGE", package)
    assert available_models() == ()
    with pytest.raises(UnknownModelError, match="no weights were found") as caught:
        default_model()
    assert caught.value.exit_code == 5

    manifest = (weights_dir / "MANIFEST.toml").read_text()
    for folder, name in ((package.parent / "weights", "checkout"), (package / "weights", "wheel")):
        folder.mkdir()
        (folder / "MANIFEST.toml").write_text(manifest.replace('"tiny"', f'"{name}"'))
        assert [entry.name for entry in available_models()] == [name]


def test_unknown_names_get_a_suggestion():
    with pytest.raises(UnknownModelError, match="no model 'ahdrnt'") as caught:
        find_model("ahdrnt")
    assert "did you mean 'ahdrnet'?" in caught.value.hint
    assert "ahdr models list" in caught.value.hint


def test_auto_is_no_model_but_a_choice_made_elsewhere():
    with pytest.raises(UnknownModelError, match="auto means depends on the picture") as caught:
        find_model("auto")
    assert "name one: ahdrnet, fast" in caught.value.hint


def test_listing_models_needs_no_torch():
    program = (
        "import sys; from ahdr_cli.checkpoints import available_models, read_header; "
        "assert available_models(); read_header(available_models()[0].path); "
        "print(sorted({'torch', 'cv2', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
