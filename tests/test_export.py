"""An exported network computes in plain ONNX Runtime what it computes here."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

from ahdr_cli import Bracket, Exposure, Frame, MergeOptions, Merger
from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.errors import ModelError, OutputExistsError
from ahdr_cli.export import export_onnx
from ahdr_cli.inference.onnx_runtime import OnnxRuntime

CONDITIONS = np.array([1.0, 4.0, 16.0, 2e-5], np.float32)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """A scene of 48×64 as three exposures saw it."""
    light = np.random.default_rng(5).random((48, 64, 3), np.float32) ** 2 * 0.3
    return np.clip(light * CONDITIONS[:3, None, None, None], 0, 1) ** np.float32(1 / 2.2)


def facts_of(path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


@pytest.mark.parametrize(("name", "stride", "halo"), [("ahdrnet", 1, 45), ("fast", 4, 100)])
def test_other_programs_get_the_same_radiance(tmp_path, frames, name, stride, halo):
    checkpoint = load_checkpoint(name)
    path = export_onnx(checkpoint, tmp_path / "network.onnx")
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (merged,) = session.run(["radiance"], {"frames": frames, "conditions": CONDITIONS})
    ours = OnnxRuntime(checkpoint.config, checkpoint.weights)
    np.testing.assert_allclose(merged, ours(frames, CONDITIONS), rtol=0, atol=1e-6)
    facts = facts_of(path)
    assert facts["sha256"] == checkpoint.sha256
    assert (facts["model"], facts["precision"]) == (name, "fp32")
    assert (int(facts["stride"]), int(facts["halo"])) == (stride, halo)
    assert halo >= ours.halo


def test_the_file_says_what_noise_it_takes(tmp_path, frames):
    path = export_onnx(load_checkpoint("fast"), tmp_path / "network.onnx")
    told = re.search(r"at least (\S+), and (\S+) where", onnx.load(path).doc_string)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for noise in map(float, told.groups()):
        conditions = np.array([*CONDITIONS[:3], noise], np.float32)
        (merged,) = session.run(None, {"frames": frames, "conditions": conditions})
        assert np.isfinite(merged).all() and merged.std() > 0.01


def test_prepared_brackets_fit(tmp_path, frames):
    """What the file says of `Merger.prepare` gives what `Merger` gives."""
    bracket = Bracket.from_frames(
        [Frame(f, Exposure(seconds=t)) for f, t in zip(frames, (1, 4, 16), strict=True)]
    )
    merger = Merger.open("fast", options=MergeOptions(device="cpu"))
    prepared = merger.prepare(bracket)
    path = export_onnx(load_checkpoint("fast"), tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    shown = np.stack([frame.pixels for frame in prepared.bracket.frames])
    (merged,) = session.run(None, {"frames": shown, "conditions": prepared.conditions})
    ours = merger(bracket).pixels
    np.testing.assert_allclose(merged * prepared.conditions[1], ours, rtol=0, atol=4e-6)


def test_eight_bits_are_marked(tmp_path):
    path = export_onnx(load_checkpoint("ahdrnet"), tmp_path / "network.onnx", int8=True)
    assert facts_of(path)["precision"] == "int8"
    assert any(node.op_type == "DequantizeLinear" for node in onnx.load(path).graph.node)


def test_fast_has_no_eight_bits(tmp_path):
    with pytest.raises(ModelError, match="int8 is for AHDRNet only"):
        export_onnx(load_checkpoint("fast"), tmp_path / "network.onnx", int8=True)
    assert list(tmp_path.iterdir()) == []


def test_weights_without_ranges_have_no_eight_bits(tmp_path):
    uncalibrated = replace(load_checkpoint("ahdrnet"), bounds={})
    with pytest.raises(ModelError, match="carry no activation ranges"):
        export_onnx(uncalibrated, tmp_path / "network.onnx", int8=True)


def test_nothing_is_replaced_unasked(tmp_path):
    path = tmp_path / "network.onnx"
    path.write_text("mine")
    with pytest.raises(OutputExistsError):
        export_onnx(load_checkpoint("fast"), path)
    assert path.read_text() == "mine"
    export_onnx(load_checkpoint("fast"), path, overwrite=True)
    onnx.checker.check_model(str(path))
