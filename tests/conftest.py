"""Fixtures that every part of the suite may use."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

# The same examples every time; no deadline, because machines differ.
settings.register_profile("ahdr", derandomize=True, deadline=None)
settings.load_profile("ahdr")

# Tests, too, import ONNX Runtime, which would report to its makers.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Undo what a shell does to jobs in the background: they and their children ignore Ctrl-C.

    Tests that interrupt a child would wait for it in vain.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout that the tests run from."""
    return REPOSITORY


@pytest.fixture(scope="session")
def load_benchmark(repository: Path) -> Callable[[str], ModuleType]:
    """Import a module of `benchmarks/`, which is no package, by its name."""

    def load(name: str) -> ModuleType:
        path = repository / "benchmarks" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # where dataclasses look for the types of their fields
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Material that may not be committed, in a folder `shared` beside the checkout."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder `shared` beside the checkout, which is not distributed")
    return folder


@pytest.fixture(scope="session")
def run_python(repository: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python with arguments, single-threaded, with the checkout on its path."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a very small AHDRNet, random but always the same."""
    import torch

    from ahdr_cli import AHDRConfig, AHDRNet, save_checkpoint

    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    config = AHDRConfig(features=4, growth=2, layers=2, num_blocks=1)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        network = AHDRNet(config)
    save_checkpoint(path, config=config, state_dict=network.state_dict(), provenance={})
    return path
