from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import tifffile

from ahdr_cli.errors import OutputExistsError, UsageError
from ahdr_cli.evaluation.datasets import open_dataset
from ahdr_cli.io import read_hdr
from ahdr_cli.io.kalantari import find_scenes, read_truth
from ahdr_cli.training.captured_files import read_brackets
from ahdr_cli.training.recipe import KINDS
from ahdr_cli.training.synthetic_set import write_synthetic_set


def test_the_kinds_are_balanced_and_labelled(synthetic):
    labels = [json.loads((path / "scene.json").read_text()) for path in sorted(synthetic.iterdir())]
    assert Counter(label["kind"] for label in labels) == dict.fromkeys(KINDS, 2)
    for label in labels:
        moves = label["kind"].endswith("motion")
        assert (label["objects"] > 0) == moves
        if not moves:
            assert label["moving"] == 0
        if label["kind"] == "static":
            assert label["true_ev"] == label["ev"] and label["curve"] == [0, 0, 0]
        assert label["true_ev"][1] == label["ev"][1]
        assert label["true_ev"] == pytest.approx(label["ev"], abs=0.3)
    # Somebody else's γ 2.2 is not what every frame was encoded with.
    assert any(any(label["curve"]) for label in labels)


def test_evaluation_reads_the_set(synthetic):
    scenes = list(open_dataset(f"synth:{synthetic}"))
    assert len(scenes) == 8
    for scene in scenes:
        assert scene.bracket.size == (96, 128)
        assert scene.labels["kind"] in scene.name
        np.testing.assert_allclose(np.log2(scene.bracket.ratios), scene.labels["ev"], atol=1e-6)
        assert scene.bracket.reference.metadata.bit_depth == 16


def test_both_truths_agree(synthetic):
    for scene in find_scenes(synthetic):
        lossless = read_truth(scene)
        assert scene.truth.name == "HDRImg.exr"
        rgbe = read_hdr(scene.path / "HDRImg.hdr").pixels
        # RGBE shares an exponent: 1/256 of the largest channel.
        tolerance = lossless.max(axis=2, keepdims=True) / 255 + 1e-6
        assert np.all(np.abs(rgbe - lossless) <= tolerance)


def test_training_reads_what_was_written(synthetic):
    brackets = list(read_brackets(synthetic))
    assert [bracket.name for bracket in brackets] == sorted(p.name for p in synthetic.iterdir())
    for scene, bracket in zip(find_scenes(synthetic), brackets, strict=True):
        stored = np.stack([tifffile.imread(path) for path in scene.frames])
        np.testing.assert_array_equal(bracket.frames, stored)
        np.testing.assert_allclose(bracket.truth, read_truth(scene), rtol=1e-3, atol=1e-7)


def test_the_same_seed_writes_the_same_set(maps, synthetic, tmp_path):
    again = write_synthetic_set(
        [f"hdr:{maps}"], tmp_path / "again", scenes=2, seed=4, size=(96, 128)
    )
    other = write_synthetic_set(
        [f"hdr:{maps}"], tmp_path / "other", scenes=1, seed=5, size=(96, 128)
    )
    for folder in again:
        for file in sorted(folder.iterdir()):
            if file.suffix != ".exr":  # whose header may tell the time
                assert file.read_bytes() == (synthetic / folder.name / file.name).read_bytes()
    assert (other[0] / "1.tif").read_bytes() != (again[0] / "1.tif").read_bytes()


def test_an_occupied_folder_is_left_alone(maps, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="not empty"):
        write_synthetic_set([f"hdr:{maps}"], tmp_path, scenes=1)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    "wrong", [{"scenes": 0}, {"seed": -1}, {"size": (20, 400)}, {"size": (400, 20)}]
)
def test_numbers_without_sense(wrong, maps, tmp_path):
    with pytest.raises(UsageError, match="cannot make"):
        write_synthetic_set([f"hdr:{maps}"], tmp_path / "x", **wrong)


def test_brackets_are_no_source_of_brackets(synthetic, tmp_path):
    with pytest.raises(UsageError, match="radiance maps and photographs only"):
        write_synthetic_set([f"synth:{synthetic}"], tmp_path / "x")
