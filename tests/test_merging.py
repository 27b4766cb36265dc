"""The merger: right scale, right warnings, nothing but finite radiance, reusable."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch

from ahdr_cli import merging
from ahdr_cli.bracket import Bracket, Selection
from ahdr_cli.checkpoints import Checkpoint, save_checkpoint
from ahdr_cli.errors import (
    DeviceError,
    InputError,
    ModelError,
    OutOfMemoryError,
    UnknownModelError,
    UsageError,
)
from ahdr_cli.images import CaptureMetadata, Exposure, Frame
from ahdr_cli.inference.torch_runtime import TorchRuntime
from ahdr_cli.merging import MergeOptions, Merger
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.radiometry.transfer import gamma_decode

CONFIG = AHDRConfig(features=8, growth=4)
CPU = MergeOptions(device="cpu")


@pytest.fixture(scope="module")
def network() -> AHDRNet:
    torch.manual_seed(0)
    network = AHDRNet(CONFIG).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 4:
                torch.nn.init.kaiming_uniform_(parameter, nonlinearity="relu")
    return network


@pytest.fixture(scope="module")
def checkpoint(network) -> Checkpoint:
    return Checkpoint(
        name="tiny",
        config=CONFIG,
        weights={name: tensor.numpy() for name, tensor in network.state_dict().items()},
        sha256="0" * 64,
        provenance={},
        spacing_ev=(1.0, 3.0),
    )


def make_bracket(height: int = 50, width: int = 70, evs=(-2.0, 0.0, 3.0)) -> Bracket:
    generator = np.random.default_rng(0)
    frames = [
        Frame(
            generator.random((height, width, 3), np.float32),
            exposure=Exposure(seconds=2.0**ev),
            metadata=CaptureMetadata(lens=f"lens {i}"),
        )
        for i, ev in enumerate(evs)
    ]
    return Bracket.from_frames(frames[::-1])


@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
def test_white_of_the_middle_frame_is_one(network, checkpoint, runtime):
    bracket = make_bracket()
    merged = Merger(checkpoint, options=MergeOptions(device="cpu", runtime=runtime))(bracket)
    frames = np.stack([frame.pixels for frame in bracket.frames])
    output = TorchRuntime(network)(frames, np.array([1, 4, 32, 1], np.float32))
    # The middle frame got four times the light of the shortest, whose white is the network's 1.
    np.testing.assert_allclose(merged.pixels, 4 * output, rtol=0, atol=1e-4)


def test_the_result_carries_the_reference_frames_capture(checkpoint):
    bracket = make_bracket()
    merged = Merger(checkpoint, options=CPU)(bracket)
    assert merged.exposure == bracket.reference.exposure == Exposure(seconds=1)
    assert merged.metadata.lens == "lens 1"
    assert merged.pixels.dtype == np.float32


@pytest.mark.parametrize("tile", [20, 33, 64])
def test_the_tile_does_not_matter(checkpoint, tile):
    bracket = make_bracket(101, 64)
    whole = Merger(checkpoint, options=CPU)(bracket)
    tiled = Merger(checkpoint, options=MergeOptions(device="cpu", tile=tile))(bracket)
    np.testing.assert_allclose(tiled.pixels, whole.pixels, rtol=0, atol=4e-5)


def test_progress_is_told(checkpoint):
    told: list[tuple[int, int]] = []
    merger = Merger(checkpoint, options=MergeOptions(device="cpu", tile=40))
    merger(make_bracket(), on_tile=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_running_out_of_memory_changes_the_tile_and_not_the_result(checkpoint, monkeypatch):
    bracket = make_bracket(120, 100)
    merger = Merger(checkpoint, options=MergeOptions(device="cpu", runtime="torch"))
    expected = merger(bracket)
    compute = TorchRuntime.__call__
    sizes = []

    def limited(self, frames, conditions):
        if frames.shape[1] * frames.shape[2] > 100 * 100:
            raise OutOfMemoryError("injected")
        sizes.append(frames.shape[1:3])
        return compute(self, frames, conditions)

    monkeypatch.setattr(TorchRuntime, "__call__", limited)
    np.testing.assert_allclose(merger(bracket).pixels, expected.pixels, rtol=0, atol=4e-5)
    assert len(sizes) > 1


def test_the_plan_says_what_was_chosen(checkpoint):
    plan = Merger(checkpoint, options=MergeOptions(device="cpu", tile=48)).plan
    assert json.loads(json.dumps(plan.to_dict())) == {
        "model": "tiny",
        "sha256": "0" * 64,
        "device": "cpu",
        "precision": "fp32",
        "runtime": "onnxruntime",
        "tile": 48,
        "halo": 43,
    }
    with pytest.raises(FrozenInstanceError):
        plan.tile = 3


def test_an_automatic_tile_follows_free_memory(checkpoint, monkeypatch):
    roomy = Merger(checkpoint, options=CPU).plan.tile
    monkeypatch.setattr(merging, "free_memory", lambda _device: 20_000_000)
    tight = Merger(checkpoint, options=CPU)
    assert 32 <= tight.plan.tile < roomy
    told: list[tuple[int, int]] = []
    tight(make_bracket(200, 200), on_tile=lambda *state: told.append(state))
    assert len(told) > 1


def test_what_helps_where_opencv_is_missing_is_said(checkpoint, monkeypatch):
    monkeypatch.setattr("ahdr_cli.merging.has_cv2", lambda: False)
    merger = Merger(checkpoint, options=CPU)
    (warning,) = merger.warnings(make_bracket(evs=(-2, 0, 2)))
    assert warning.startswith("the frames are not aligned, because OpenCV cannot be imported (")
    assert "pip install opencv-python-headless" in warning


def test_spacing_outside_the_models_range_is_warned_of(checkpoint):
    merger = Merger(checkpoint, options=CPU)
    assert merger.warnings(make_bracket(evs=(-2, 0, 2))) == []
    (warning,) = merger.warnings(make_bracket(evs=(-2, 0, 4)))
    assert "4.0 EV apart" in warning
    assert "1 to 3 EV" in warning


def test_in_two_steps_it_says_what_it_did_to_the_frames(checkpoint):
    bracket, merger = make_bracket(), Merger(checkpoint, options=CPU)
    prepared = merger.prepare(bracket)
    assert prepared.taken is bracket
    np.testing.assert_array_equal(merger.merge(prepared).pixels, merger(bracket).pixels)


def make_scene() -> tuple[np.ndarray, Selection]:
    """A sky that grows brighter than the shortest of three frames can show, in five of them."""
    light = np.geomspace(0.05, 15.0, 64).reshape(1, 64, 1) * np.array((1.0, 0.9, 0.8))
    light = np.broadcast_to(light, (48, 64, 3))
    frames = []
    for ev in (-4, -2, 0, 2, 4):
        levels = np.rint(np.clip(light * 2.0**ev, 0, 1) ** (1 / 2.2) * 255)
        frames.append(Frame((levels / 255).astype(np.float32), Exposure.from_ev(ev)))
    return light, Selection.of(frames)


@pytest.fixture
def the_short_frame(monkeypatch) -> None:
    """A network that believes the short frame in everything."""

    def believe(_self, frames, _conditions):
        return gamma_decode(np.array(frames[0]))

    monkeypatch.setattr(TorchRuntime, "__call__", believe)


@pytest.mark.usefixtures("the_short_frame")
def test_shorter_frames_raise_the_highlights(checkpoint):
    light, scene = make_scene()
    merger = Merger(checkpoint, options=MergeOptions(device="cpu", runtime="torch"))
    three = merger(scene.bracket).pixels
    assert three.max() == 4.0
    extended = merger(scene.bracket, shorter=scene.shorter).pixels
    bright = light.min(axis=2) > 0.3
    np.testing.assert_allclose(extended[bright], light[bright], rtol=0.05)
    white = scene.bracket.frames[0].pixels.max(axis=2) > 0.88
    np.testing.assert_array_equal(extended[~white], three[~white])
    assert (extended >= three).all()


@pytest.mark.usefixtures("the_short_frame")
def test_highlights_are_left_alone_if_that_is_asked_for(checkpoint):
    _, scene = make_scene()
    options = MergeOptions(device="cpu", runtime="torch", extend="off")
    merger = Merger(checkpoint, options=options)
    prepared = merger.prepare(scene.bracket, shorter=scene.shorter)
    assert prepared.highlights is None
    np.testing.assert_array_equal(merger.merge(prepared).pixels, merger(scene.bracket).pixels)
    with pytest.raises(UsageError, match="extend must be auto or off, got 'on'"):
        MergeOptions(extend="on")


def test_a_prepared_bracket_may_be_merged_twice(checkpoint):
    _, scene = make_scene()
    merger = Merger(checkpoint, options=CPU)
    prepared = merger.prepare(scene.bracket, shorter=scene.shorter)
    np.testing.assert_array_equal(merger.merge(prepared).pixels, merger.merge(prepared).pixels)


def test_pixels_of_shorter_frames_are_checked_too(checkpoint):
    _, scene = make_scene()
    scene.shorter[0].pixels[3, 4, 1] = np.nan
    with pytest.raises(InputError, match="expected 0 to 1"):
        Merger(checkpoint, options=CPU)(scene.bracket, shorter=scene.shorter)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1, 1.5])
def test_pixels_that_no_frame_has_are_refused(checkpoint, bad):
    bracket = make_bracket()
    bracket.frames[2].pixels[3, 4, 1] = bad
    with pytest.raises(InputError, match="expected 0 to 1"):
        Merger(checkpoint, options=CPU)(bracket)


@pytest.mark.parametrize(("precision", "way_out"), [("fp32", "models verify"), ("bf16", "fp32")])
def test_nan_never_leaves(checkpoint, monkeypatch, precision, way_out):
    merger = Merger(
        checkpoint, options=MergeOptions(device="cpu", runtime="torch", precision=precision)
    )

    def overflow(_self, frames, _conditions):
        result = frames[1].copy()
        result[0, 0, 0] = np.nan
        return result

    monkeypatch.setattr(TorchRuntime, "__call__", overflow)
    with pytest.raises(ModelError, match="NaN") as caught:
        merger(make_bracket())
    assert way_out in caught.value.hint


def test_a_merger_serves_several_threads(checkpoint):
    merger = Merger(checkpoint, options=MergeOptions(device="cpu", tile=32))
    brackets = [make_bracket(40 + i, 50) for i in range(6)]
    expected = [merger(bracket).pixels for bracket in brackets]
    with ThreadPoolExecutor(3) as pool:
        for image, pixels in zip(pool.map(merger, brackets), expected, strict=True):
            np.testing.assert_allclose(image.pixels, pixels, rtol=0, atol=1e-5)


def test_open_takes_a_file(network, tmp_path):
    path = tmp_path / "tiny.safetensors"
    sha256 = save_checkpoint(
        path, config=CONFIG, state_dict=network.state_dict(), provenance={"origin": "test"}
    )
    assert Merger.open(path, options=CPU).plan.sha256 == sha256


def test_open_refuses_an_unknown_model():
    with pytest.raises(UnknownModelError):
        Merger.open("no-such-model", options=CPU)


@pytest.mark.parametrize("tile", [0, -4, "large", 2.5])
def test_a_strange_tile_is_a_usage_error(tile):
    with pytest.raises(UsageError, match="tile must be"):
        MergeOptions(tile=tile)


def test_options_that_exclude_each_other_are_refused(checkpoint):
    with pytest.raises(DeviceError, match="onnxruntime"):
        Merger(
            checkpoint,
            options=MergeOptions(device="cpu", precision="bf16", runtime="onnxruntime"),
        )
