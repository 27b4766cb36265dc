"""Tiny networks and random brackets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from ahdr_cli.checkpoints import Checkpoint
from ahdr_cli.images import FloatArray
from ahdr_cli.inference.onnx_runtime import OnnxRuntime
from ahdr_cli.networks.config import FastConfig
from ahdr_cli.networks.families import AnyNetwork, build_network
from ahdr_cli.networks.variants import MODELS

TINY = {
    name: FastConfig(features=8, shallow=4, detail=10, dilations=(1, 2))
    if isinstance(config, FastConfig)
    else replace(config, features=8, growth=4)
    for name, config in MODELS.items()
}


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny networks gain nothing from threads, and other work runs beside the tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", params=TINY, ids=str)
def variant(request: pytest.FixtureRequest) -> str:
    """Every model's name."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def make_network() -> Callable[[str], AnyNetwork]:
    """A tiny network whose output depends strongly on all that it sees.

    As initialised, the networks hardly leave 0.5, and a comparison would see nothing; so the
    last layer is scaled until its logits have a standard deviation of 1.
    """

    def make(name: str = "ahdrnet") -> AnyNetwork:
        torch.manual_seed(len(name))
        network = build_network(TINY[name]).eval()
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.ndim == 4:
                    torch.nn.init.xavier_normal_(parameter)
            spread: list[float] = []
            hook = network.output.register_forward_hook(
                lambda _layer, _inputs, logits: spread.append(logits.std().item())
            )
            network(torch.rand(1, 3, 7, 32, 32))
            hook.remove()
            network.output.weight /= spread[0]
            network.output.bias.zero_()
        return network

    return make


@pytest.fixture(scope="session")
def checkpoint_of() -> Callable[[AnyNetwork], Checkpoint]:
    """A network's weights, as a file of them would come in."""

    def make(network: AnyNetwork) -> Checkpoint:
        weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        return Checkpoint(
            name="test", config=network.config, weights=weights, sha256="0" * 64, provenance={}
        )

    return make


@pytest.fixture(scope="session")
def onnx_of(checkpoint_of) -> Callable[[AnyNetwork], OnnxRuntime]:
    """The fast path of a network."""

    def make(network: AnyNetwork) -> OnnxRuntime:
        checkpoint = checkpoint_of(network)
        return OnnxRuntime(checkpoint.config, checkpoint.weights)

    return make


@pytest.fixture(scope="session")
def make_frames() -> Callable[[int, int], list[FloatArray]]:
    """Three random frames (H, W, 3) in [0, 1]."""

    def make(height: int, width: int) -> list[FloatArray]:
        generator = np.random.default_rng((height, width))
        return [generator.random((height, width, 3), np.float32) for _ in range(3)]

    return make


@pytest.fixture(scope="session")
def conditions() -> FloatArray:
    """Of a ±2 EV bracket with some noise."""
    return np.array([1, 4, 16, 1e-4], np.float32)
