"""The toy engine and its program, see toy.py."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from ahdr_cli.training.batch import Batch
from ahdr_cli.training.distributed import Processes
from ahdr_cli.training.initialisation import initial_network
from ahdr_cli.training.learner import Learner

PROGRAM = Path(__file__).with_name("toy.py")


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The module toy.py."""
    spec = importlib.util.spec_from_file_location("ahdr_toy_training", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def toy_program() -> Path:
    """The file toy.py."""
    return PROGRAM


@pytest.fixture
def learner(toy: ModuleType) -> Callable[..., Learner]:
    """A small network about to take its first step, by what differs from the toy's settings."""

    def make(*overrides: str) -> Learner:
        config = toy.toy_config(*overrides)
        net, _ = initial_network(config.network_config(), init="xavier", seed=0)
        return Learner(net, config=config, processes=Processes(torch.device("cpu")))

    return make


@pytest.fixture
def batch(toy: ModuleType) -> Batch:
    """Four small samples."""
    made: Batch = toy.ToyEngine().batch(range(4), patch=16)
    return made
