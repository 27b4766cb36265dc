"""Bounds of activations from training brackets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ahdr_cli.checkpoints import Checkpoint
from ahdr_cli.errors import DeviceError, ModelError, UsageError
from ahdr_cli.inference import int8_support
from ahdr_cli.inference.observation import Observer
from ahdr_cli.networks.activations import activations
from ahdr_cli.networks.config import AHDRConfig, FastConfig
from ahdr_cli.networks.families import build_network
from ahdr_cli.training import calibration
from ahdr_cli.training.calibration import calibrate

RULES = {"largest value", "99.99th percentile", "least squares"}

exact = pytest.mark.skipif(
    not int8_support._sums_are_exact(), reason="this processor's 8-bit sums overflow"
)


@pytest.fixture
def checkpoint() -> Checkpoint:
    return _checkpoint(AHDRConfig(features=8, growth=4, layers=2, num_blocks=1))


@pytest.fixture(autouse=True)
def small_patches(monkeypatch):
    monkeypatch.setattr(calibration, "_PATCH", 24)
    monkeypatch.setattr(calibration, "_STEP", 3)


def _checkpoint(config):
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = build_network(config)
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    return Checkpoint(name="test", config=config, weights=weights, sha256="0" * 64, provenance={})


@exact
def test_bounds_are_those_of_the_best_rule(checkpoint, toy):
    progress = []
    found = calibrate(
        checkpoint, toy.ToyEngine(), samples=8, on_sample=lambda *step: progress.append(step)
    )
    assert set(found.psnr_mu) == RULES | {"fp32"}
    assert found.psnr_mu[found.rule] == max(found.psnr_mu[rule] for rule in RULES)
    assert set(found.bounds) == set(activations(checkpoint.config))
    assert progress == [(done, 8) for done in range(1, 9)]
    replace(checkpoint, bounds=found.bounds)  # which they fit
    assert calibrate(checkpoint, toy.ToyEngine(), samples=8) == found


def test_what_the_rules_propose(checkpoint, toy):
    brackets = list(calibration._brackets(toy.ToyEngine(), samples=3, on_sample=lambda *_: None))
    observer = Observer(checkpoint.config, checkpoint.weights)
    proposals = calibration._propose(observer, iter(brackets))
    seen = [observer(bracket.frames, bracket.conditions) for bracket in brackets]
    for name in activations(checkpoint.config):
        largest = max(np.abs(values[name]).max() for values in seen)
        assert proposals["largest value"][name] == pytest.approx(largest)
        for rule in RULES:
            assert 0.0 < proposals[rule][name] <= largest * (1 + 1e-6)


def test_least_squares_weigh_clipping_against_steps():
    generator = np.random.default_rng(0)
    even = generator.random(50_000).astype(np.float32)
    assert calibration._least_squares(even, 1.0) > 0.9
    rare = np.abs(generator.laplace(size=50_000) * 0.05).astype(np.float32)
    assert 0.2 < calibration._least_squares(rare, 3.0) < 1.0
    assert calibration._least_squares(np.zeros(10, np.float32), 0.0) == 0.0


def test_the_fast_network_is_refused(toy):
    fast = _checkpoint(FastConfig(features=8, shallow=4, detail=10, dilations=(1,)))
    with pytest.raises(ModelError, match="int8 is for AHDRNet only"):
        calibrate(fast, toy.ToyEngine(), samples=4)


def test_too_few_samples(checkpoint, toy):
    with pytest.raises(UsageError, match="3 samples are too few"):
        calibrate(checkpoint, toy.ToyEngine(), samples=3)


def test_a_processor_that_cannot_try_bounds_is_refused(checkpoint, toy, monkeypatch):
    monkeypatch.setattr(int8_support, "_sums_are_exact", lambda: False)
    with pytest.raises(DeviceError, match="8-bit sums overflow"):
        calibrate(checkpoint, toy.ToyEngine(), samples=4)
