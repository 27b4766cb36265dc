from __future__ import annotations

import hashlib
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import torch as safetensors_torch

from ahdr_cli.checkpoints import import_checkpoint, load_checkpoint
from ahdr_cli.errors import (
    CorruptWeightsError,
    ForeignCheckpointError,
    OutputExistsError,
    UnknownModelError,
)
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig


def authors_state(
    *, features: int = 8, growth: int = 4, blocks: int = 3, layers: int = 6
) -> dict[str, torch.Tensor]:
    """Random weights in the authors' layout, written down from its description."""
    generator = torch.Generator().manual_seed(0)
    state: dict[str, torch.Tensor] = {}

    def conv(name: str, inputs: int, outputs: int, kernel: int = 3) -> None:
        state[f"{name}.weight"] = torch.randn(outputs, inputs, kernel, kernel, generator=generator)
        state[f"{name}.bias"] = torch.randn(outputs, generator=generator)

    conv("conv1", 6, features)
    conv("conv2", 3 * features, features)
    for side in (1, 3):
        conv(f"att{side}1", 2 * features, 2 * features)
        conv(f"att{side}2", 2 * features, features)
        conv(f"attConv{side}", features, features)
    for block in range(1, blocks + 1):
        for layer in range(layers):
            conv(f"RDB{block}.dense_layers.{layer}.conv", features + layer * growth, growth)
        conv(f"RDB{block}.conv_1x1", features + layers * growth, features, 1)
    conv("GFF_1x1", blocks * features, features, 1)
    conv("GFF_3x3", features, features)
    conv("conv_up", features, features)
    conv("conv3", features, 3)
    return state


@pytest.fixture
def convert(tmp_path):
    """Save an object as a .pt and import it."""

    def run(content: object, **options):
        source = tmp_path / "source.pt"
        torch.save(content, source)
        return import_checkpoint(source, tmp_path / "out.safetensors", **options)

    return run


def test_the_authors_layout(convert, tmp_path):
    state = authors_state()
    assert len(state) == 66
    checkpoint = convert(state, provenance={"origin": "somewhere"})
    assert checkpoint.config == AHDRConfig(features=8, growth=4)
    assert len(checkpoint.state_dict) == 62
    source = tmp_path / "source.pt"
    assert checkpoint.provenance == {
        "origin": "somewhere",
        "imported_from": "source.pt",
        "imported_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
    }
    assert load_checkpoint(tmp_path / "out.safetensors").sha256 == checkpoint.sha256


def test_every_tensor_arrives_under_its_new_name(convert):
    state = authors_state()
    ours = convert(state).state_dict
    for theirs, name in {
        "conv1": "encode",
        "att11": "attention_short.compare",
        "att12": "attention_short.gate",
        "att31": "attention_long.compare",
        "att32": "attention_long.gate",
        "conv2": "merge",
        "RDB1.dense_layers.0.conv": "blocks.0.layers.0",
        "RDB3.dense_layers.5.conv": "blocks.2.layers.5",
        "RDB2.conv_1x1": "blocks.1.fold",
        "GFF_1x1": "fold",
        "GFF_3x3": "spread",
        "conv_up": "refine",
        "conv3": "output",
    }.items():
        assert torch.equal(ours[f"{name}.weight"], state[f"{theirs}.weight"])
        assert torch.equal(ours[f"{name}.bias"], state[f"{theirs}.bias"])


@pytest.mark.parametrize(
    "sizes",
    [
        {"features": 64, "growth": 32},
        {"features": 4, "growth": 6, "blocks": 1, "layers": 2},
        {"features": 5, "growth": 3, "blocks": 4, "layers": 11},
    ],
)
def test_sizes_are_inferred(convert, sizes):
    config = convert(authors_state(**sizes)).config
    found = {
        "features": config.features,
        "growth": config.growth,
        "blocks": config.num_blocks,
        "layers": config.layers,
    }
    assert found == {"blocks": 3, "layers": 6, **sizes}
    assert config.attention
    assert config.block == "drdb"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3, "optimizer": {"lr": 1e-4}},
        lambda state: {"model": {"state_dict": state}},
        lambda state: {"params": state},
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {"model": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {key: value for key, value in state.items() if "attConv" not in key},
        lambda state: {key: torch.nn.Parameter(value) for key, value in state.items()},
        lambda state: {key: value.double() for key, value in state.items()},
    ],
)
def test_the_same_in_other_wrappings(convert, wrap):
    state = authors_state()
    ours = convert(wrap(state)).state_dict
    assert len(ours) == 62
    assert torch.equal(ours["output.weight"], state["conv3.weight"])


def test_the_same_names_in_safetensors(tmp_path):
    source = tmp_path / "x.safetensors"
    state = authors_state()
    safetensors_torch.save_file(state, source, metadata={"format": "pt"})
    ours = import_checkpoint(source, tmp_path / "out.safetensors").state_dict
    assert torch.equal(ours["output.weight"], state["conv3.weight"])


def test_contents_decide_not_the_name(tmp_path):
    source = tmp_path / "x.pt"
    safetensors_torch.save_file(authors_state(), source)
    assert import_checkpoint(source, tmp_path / "a.safetensors").config.features == 8
    source = tmp_path / "y.safetensors"
    torch.save(authors_state(), source)
    assert import_checkpoint(source, tmp_path / "b.safetensors").config.features == 8


def test_a_file_of_ours_keeps_its_history(tiny_file, tmp_path):
    old = load_checkpoint(tiny_file)
    new = import_checkpoint(tiny_file, tmp_path / "new.safetensors", provenance={"note": "x"})
    assert new.config == old.config
    assert new.provenance == {
        "origin": "a test",
        "note": "x",
        "imported_from": "tiny.safetensors",
        "imported_sha256": old.sha256,
    }
    for key, value in old.state_dict.items():
        assert torch.equal(new.state_dict[key], value)


def without(key: str):
    return lambda state: {k: v for k, v in state.items() if k != key}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without("conv_up.bias"), r"missing: conv_up\.bias"),
        (without("att31.weight"), r"missing: att31\.weight"),
        (
            without("RDB2.dense_layers.3.conv.weight"),
            r"missing: RDB2\.dense_layers\.3\.conv\.weight$",
        ),
        (without("RDB3.conv_1x1.bias"), r"missing: RDB3\.conv_1x1\.bias$"),
        (without("conv1.weight"), "no layout that ahdr knows"),
        (lambda s: {**s, "conv9.weight": torch.zeros(1)}, r"unknown: conv9\.weight"),
        (lambda s: {**s, "conv1.scale": torch.zeros(1)}, r"unknown: conv1\.scale"),
        (lambda s: {**s, "attConv2.weight": torch.zeros(1)}, r"unknown: attConv2\.weight"),
        (lambda s: {**s, "RDB1.dense_layers.6.conv.bias": torch.zeros(4)}, "missing"),
        (lambda s: {**s, "RDB0.conv_1x1.bias": torch.zeros(8)}, r"unknown: RDB0"),
        (lambda s: {**s, "conv1.weight": torch.zeros(9, 6, 3, 3)}, r"conv\d\.\w+ has shape"),
        (lambda s: {**s, "conv1.weight": torch.zeros(())}, "has shape"),
        (lambda s: {**s, "conv1.weight": torch.zeros(0)}, "has shape"),
        (lambda s: {**s, "conv3.weight": torch.zeros(1, 8, 3, 3)}, "has shape"),
        (lambda s: {**s, "conv3.bias": torch.zeros(3, dtype=torch.int64)}, "no finite floats"),
        (
            lambda s: {**s, "conv3.bias": torch.full((3,), torch.nan)},
            r"conv3\.bias holds .* no finite",
        ),
        (lambda s: {**s, "conv3.bias": "text"}, "holds a str under 'conv3.bias'"),
        (lambda s: {**s, 7: torch.zeros(1)}, "under '7'"),
        (lambda s: {"weights_of_mine": s}, "holds a dict under 'weights_of_mine'"),
        (lambda s: list(s.values()), "holds a list"),
        (lambda s: torch.zeros(3), "holds a Tensor"),
        (lambda s: {}, "holds a dict"),
        (lambda s: {"fc.weight": torch.zeros(1)}, "1 tensors, among them fc.weight"),
        (lambda s: {f"layer{i}.w": torch.zeros(1) for i in range(9)}, "and 6 more"),
    ],
)
def test_everything_else_is_refused(convert, tmp_path, change, reason):
    with pytest.raises(ForeignCheckpointError, match=reason) as caught:
        convert(change(authors_state()))
    assert caught.value.path == tmp_path / "source.pt"
    assert caught.value.exit_code == 5
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.safetensors").exists()


def test_repeated_views_do_not_cost_memory(convert):
    huge = torch.zeros(1).expand(100_000, 6, 3, 3)
    wide = torch.zeros(1).expand(100_000, 300_000, 3, 3)
    with pytest.raises(ForeignCheckpointError, match="more data than the file holds"):
        convert({**authors_state(), "conv1.weight": huge, "conv2.weight": wide})


class Hostile:
    """Runs a command when it is unpickled without care."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("how", ["torch", "torch-legacy", "pickle", "inside"])
def test_a_hostile_pickle_is_not_executed(tmp_path, how):
    marker, source = tmp_path / "executed", tmp_path / "hostile.pt"
    payload = Hostile(marker)
    if how == "pickle":
        source.write_bytes(pickle.dumps(payload))
    elif how == "inside":
        torch.save({"state_dict": authors_state(), "args": payload}, source)
    else:
        torch.save(payload, source, _use_new_zipfile_serialization=how == "torch")
    with pytest.raises(ForeignCheckpointError, match="nothing in it was executed") as caught:
        import_checkpoint(source, tmp_path / "out.safetensors")
    assert not marker.exists()
    assert "state_dict()" in caught.value.hint

    # The payload is live: the same file does its harm where nothing guards against it.
    torch.load(source, weights_only=False) if how != "pickle" else pickle.loads(source.read_bytes())
    assert marker.exists()


def test_a_whole_pickled_network_is_refused(convert):
    with pytest.raises(ForeignCheckpointError, match="plain tensors"):
        convert(AHDRNet(AHDRConfig(features=8, growth=4)))


@pytest.mark.parametrize("content", [b"", b"\x80", b"PK\x03\x04", b"hello\n" * 50, b"\x00" * 64])
def test_no_checkpoint_at_all(tmp_path, content):
    source = tmp_path / "x.pt"
    source.write_bytes(content)
    with pytest.raises(ForeignCheckpointError):
        import_checkpoint(source, tmp_path / "out.safetensors")


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.99])
def test_truncated(tmp_path, fraction):
    source = tmp_path / "x.pt"
    torch.save(authors_state(), source)
    source.write_bytes(source.read_bytes()[: int(source.stat().st_size * fraction)])
    with pytest.raises(ForeignCheckpointError):
        import_checkpoint(source, tmp_path / "out.safetensors")
    safetensors_torch.save_file(authors_state(), source)
    source.write_bytes(source.read_bytes()[: int(source.stat().st_size * fraction)])
    with pytest.raises((ForeignCheckpointError, CorruptWeightsError)):
        import_checkpoint(source, tmp_path / "out.safetensors")


def test_missing_source(tmp_path):
    with pytest.raises(UnknownModelError, match="no such file"):
        import_checkpoint(tmp_path / "absent.pt", tmp_path / "out.safetensors")


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_a_pipe_is_refused_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(UnknownModelError, match="not a regular file"):
        import_checkpoint(tmp_path / "pipe.pt", tmp_path / "out.safetensors")


def test_an_existing_destination_is_kept(convert, tmp_path):
    (tmp_path / "out.safetensors").write_text("mine")
    with pytest.raises(OutputExistsError):
        convert(authors_state())
    assert (tmp_path / "out.safetensors").read_text() == "mine"
    assert convert(authors_state(), overwrite=True).config.features == 8


def test_in_place(tiny_file):
    copy = tiny_file.with_name("copy.safetensors")
    shutil.copy(tiny_file, copy)
    assert import_checkpoint(copy, copy, overwrite=True).provenance["origin"] == "a test"
