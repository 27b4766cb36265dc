from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ahdr_cli.checkpoints import save_checkpoint
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig

TINY = AHDRConfig(features=8, growth=4)


@pytest.fixture(autouse=True)
def _no_added_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of whoever runs the tests must not matter."""
    monkeypatch.delenv("AHDR_WEIGHTS_DIR", raising=False)


@pytest.fixture(scope="session")
def tiny_config() -> AHDRConfig:
    return TINY


@pytest.fixture(scope="session")
def tiny_net() -> AHDRNet:
    """A small network with random weights; not to be modified."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AHDRNet(TINY).eval()


@pytest.fixture
def tiny_file(tmp_path: Path, tiny_net: AHDRNet) -> Path:
    """`tiny_net` as a file of ours."""
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(
        path, config=TINY, state_dict=tiny_net.state_dict(), provenance={"origin": "a test"}
    )
    return path


@pytest.fixture
def manifest_of() -> Callable[..., str]:
    """The text of a manifest entry for a weights file, with fields to be changed."""

    def text(path: Path, **changes: str | None) -> str:
        fields: dict[str, str | None] = {
            "name": '"tiny"',
            "file": f'"{path.name}"',
            "sha256": f'"{hashlib.sha256(path.read_bytes()).hexdigest()}"',
            "bytes": str(path.stat().st_size),
            "description": '"for a test"',
            **changes,
        }
        lines = [f"{key} = {value}" for key, value in fields.items() if value is not None]
        return "\n".join(["[[model]]", *lines, ""])

    return text


@pytest.fixture
def weights_dir(
    tiny_file: Path, manifest_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder with `tiny_file` and a manifest, added by the environment variable."""
    folder = tiny_file.parent
    (folder / "MANIFEST.toml").write_text(manifest_of(tiny_file), encoding="utf-8")
    monkeypatch.setenv("AHDR_WEIGHTS_DIR", str(folder))
    return folder
