from __future__ import annotations

import hashlib
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors import torch as safetensors_torch

from ahdr_cli.checkpoints import (
    Checkpoint,
    CheckpointHeader,
    find_model,
    import_checkpoint,
    load_checkpoint,
    save_checkpoint,
    verify_model,
)
from ahdr_cli.checkpoints.container import reproducible
from ahdr_cli.errors import (
    CorruptWeightsError,
    ForeignCheckpointError,
    OutputError,
    OutputExistsError,
    UnknownModelError,
)
from ahdr_cli.networks.activations import activations
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.variants import VARIANTS


def write_by_hand(path, tensors, **changes):
    """A file with a header that `save_checkpoint` would not write."""
    header = CheckpointHeader(
        architecture=changes.pop("architecture", "ahdrnet"),
        config=changes.pop("config", AHDRConfig(features=8, growth=4).to_dict()),
        provenance={},
    )
    metadata = header.to_metadata() | changes
    path.write_bytes(reproducible(safetensors_torch.save(tensors), metadata=metadata))


def test_round_trip(tiny_file, tiny_net, tiny_config):
    checkpoint = load_checkpoint(tiny_file)
    assert checkpoint.name == "tiny.safetensors"
    assert checkpoint.architecture == "ahdrnet"
    assert checkpoint.config == tiny_config
    assert checkpoint.provenance == {"origin": "a test"}
    assert checkpoint.sha256 == hashlib.sha256(tiny_file.read_bytes()).hexdigest()
    net = checkpoint.build()
    assert not net.training
    frames = torch.rand(1, 3, 7, 9, 11)
    with torch.no_grad():
        assert torch.equal(net(frames), tiny_net(frames))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_round_trips(tmp_path, name):
    config = AHDRConfig(**{**VARIANTS[name].to_dict(), "features": 6, "growth": 2})
    net = AHDRNet(config)
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, config=config, state_dict=net.state_dict(), provenance={})
    built = load_checkpoint(path).build()
    assert built.config == config
    for key, value in net.state_dict().items():
        assert torch.equal(built.state_dict()[key], value)


def test_equal_weights_give_equal_files(tmp_path, tiny_net, tiny_config):
    forwards = tiny_net.state_dict()
    backwards = dict(reversed(forwards.items()))
    digests = {
        save_checkpoint(
            tmp_path / f"{i}.safetensors",
            config=tiny_config,
            state_dict=weights,
            provenance={"b": "1", "a": "2"},
        )
        for i, weights in enumerate((forwards, backwards))
    }
    assert len(digests) == 1


def test_the_spacing_travels_along(tmp_path, tiny_net, tiny_config):
    path = tmp_path / "x.safetensors"
    save_checkpoint(
        path,
        config=tiny_config,
        state_dict=tiny_net.state_dict(),
        provenance={},
        spacing_ev=(0.5, 5.0),
    )
    assert load_checkpoint(path).spacing_ev == (0.5, 5.0)


def test_half_precision_and_views_are_stored_as_float32(tmp_path, tiny_net, tiny_config):
    weights = {key: value.half() for key, value in tiny_net.state_dict().items()}
    weights["merge.weight"] = weights["merge.weight"].transpose(2, 3)
    weights["refine.weight"] = weights["spread.weight"]  # shared memory
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, config=tiny_config, state_dict=weights, provenance={})
    loaded = load_checkpoint(path).state_dict
    for key, value in weights.items():
        assert loaded[key].dtype == torch.float32
        assert torch.equal(loaded[key], value.float())


def test_an_existing_file_is_kept_unless_told_otherwise(tiny_file, tiny_net, tiny_config):
    before = tiny_file.read_bytes()
    arguments = {"config": tiny_config, "state_dict": tiny_net.state_dict(), "provenance": {}}
    with pytest.raises(OutputExistsError):
        save_checkpoint(tiny_file, **arguments)
    assert tiny_file.read_bytes() == before
    save_checkpoint(tiny_file, **arguments, overwrite=True)
    assert load_checkpoint(tiny_file).provenance == {}


def test_a_missing_folder_is_an_output_error(tmp_path, tiny_net, tiny_config):
    with pytest.raises(OutputError):
        save_checkpoint(
            tmp_path / "absent" / "x.safetensors",
            config=tiny_config,
            state_dict=tiny_net.state_dict(),
            provenance={},
        )


def test_weights_that_do_not_fit_are_not_written(tmp_path, tiny_net):
    with pytest.raises(CorruptWeightsError, match="do not fit"):
        save_checkpoint(
            tmp_path / "x.safetensors",
            config=AHDRConfig(features=9, growth=4),
            state_dict=tiny_net.state_dict(),
            provenance={},
        )
    assert list(tmp_path.iterdir()) == []


def test_building_copies_and_leaves_torchs_random_state_alone(tiny_file):
    checkpoint = load_checkpoint(tiny_file)
    state = torch.get_rng_state()
    net = checkpoint.build()
    assert torch.equal(torch.get_rng_state(), state)
    before = checkpoint.state_dict["merge.bias"].clone()
    with torch.no_grad():
        net.merge.bias.add_(1)
    assert torch.equal(checkpoint.state_dict["merge.bias"], before)
    assert torch.equal(checkpoint.build().merge.bias, before)
    assert all(p.requires_grad and p.is_leaf for p in net.parameters())


def test_a_registered_name(weights_dir):
    checkpoint = load_checkpoint("tiny")
    assert checkpoint.name == "tiny"
    assert checkpoint.sha256 == find_model("tiny").sha256
    assert verify_model(find_model("tiny")).sha256 == checkpoint.sha256


def test_a_name_wins_over_a_file_of_that_name(weights_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(weights_dir / "tiny.safetensors", "tiny")
    assert load_checkpoint("tiny").name == find_model("tiny").name
    (weights_dir / "tiny.safetensors").unlink()
    with pytest.raises(CorruptWeightsError, match="missing"):
        load_checkpoint("tiny")
    assert load_checkpoint("./tiny").sha256 == find_model("tiny").sha256


@pytest.mark.parametrize("position", [0, 9, 300, -1])
def test_one_flipped_bit_is_found(weights_dir, position):
    path = weights_dir / "tiny.safetensors"
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    for check in (lambda: load_checkpoint("tiny"), lambda: verify_model(find_model("tiny"))):
        with pytest.raises(CorruptWeightsError, match="SHA-256") as caught:
            check()
        assert caught.value.path == path
        assert caught.value.hint


def test_a_truncated_registered_file(weights_dir):
    path = weights_dir / "tiny.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptWeightsError, match="bytes, the manifest says"):
        load_checkpoint("tiny")


def test_verify_finds_a_disagreement_on_spacing(weights_dir, manifest_of):
    text = manifest_of(weights_dir / "tiny.safetensors", spacing_ev="[1.0, 4.0]")
    (weights_dir / "MANIFEST.toml").write_text(text)
    with pytest.raises(CorruptWeightsError, match="spacing_ev"):
        verify_model(find_model("tiny"))


def test_verify_finds_nan(weights_dir, manifest_of, tiny_net, tiny_config):
    path = weights_dir / "tiny.safetensors"
    weights = {key: value.clone() for key, value in tiny_net.state_dict().items()}
    weights["fold.bias"][3] = float("nan")
    save_checkpoint(path, config=tiny_config, state_dict=weights, provenance={}, overwrite=True)
    (weights_dir / "MANIFEST.toml").write_text(manifest_of(path))
    with pytest.raises(CorruptWeightsError, match=r"fold\.bias holds NaN"):
        verify_model(find_model("tiny"))


@pytest.mark.parametrize("cut", [0, 5, 100, 2000, -1])
def test_a_truncated_file(tiny_file, cut):
    tiny_file.write_bytes(tiny_file.read_bytes()[:cut])
    with pytest.raises((CorruptWeightsError, ForeignCheckpointError)) as caught:
        load_checkpoint(tiny_file)
    assert caught.value.path == tiny_file


def test_what_is_no_checkpoint_of_ours(tmp_path, tiny_net):
    pt = tmp_path / "x.pt"
    torch.save(tiny_net.state_dict(), pt)
    plain = tmp_path / "plain.safetensors"
    safetensors_torch.save_file(tiny_net.state_dict(), plain)
    for path in (pt, plain):
        with pytest.raises(ForeignCheckpointError) as caught:
            load_checkpoint(path)
        assert "ahdr models import" in caught.value.hint


def test_unknown_architecture(tmp_path, tiny_net):
    path = tmp_path / "x.safetensors"
    write_by_hand(path, tiny_net.state_dict(), architecture="transformer")
    with pytest.raises(ForeignCheckpointError, match="'transformer', expected one of ahdrnet"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "config", [{"stride": 2}, {"features": 0}, {"features": "8"}, {"block": "transformer"}]
)
def test_wrong_configuration(tmp_path, tiny_net, config):
    path = tmp_path / "x.safetensors"
    write_by_hand(path, tiny_net.state_dict(), config=config)
    with pytest.raises(CorruptWeightsError, match="configuration"):
        load_checkpoint(path)


@pytest.mark.parametrize("features", [7, 10**6, 10**15])
def test_a_configuration_that_lies_about_the_size(tmp_path, tiny_net, features):
    path = tmp_path / "x.safetensors"
    write_by_hand(path, tiny_net.state_dict(), config={"features": features, "growth": 4})
    with pytest.raises(CorruptWeightsError, match="do not fit") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_missing_and_surplus_tensors(tmp_path, tiny_net):
    path = tmp_path / "x.safetensors"
    weights = tiny_net.state_dict()
    write_by_hand(path, {k: v for k, v in weights.items() if k != "fold.bias"})
    with pytest.raises(CorruptWeightsError, match=r"fold\.bias"):
        load_checkpoint(path)
    write_by_hand(path, {**weights, "extra": torch.zeros(1)})
    with pytest.raises(CorruptWeightsError, match="extra"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("dtype", "named"),
    [(torch.float16, "float16"), (torch.float64, "float64"), (torch.bfloat16, "BF16")],
)
def test_other_numbers_than_float32(tmp_path, tiny_net, dtype, named):
    path = tmp_path / "x.safetensors"
    weights = tiny_net.state_dict()
    write_by_hand(path, weights | {"fold.bias": weights["fold.bias"].to(dtype)})
    with pytest.raises(CorruptWeightsError, match=named):
        load_checkpoint(path)


def test_a_deep_configuration_costs_no_more_than_the_weights_there_are(tmp_path, tiny_net):
    path = tmp_path / "x.safetensors"
    config = {"features": 8, "growth": 4, "num_blocks": 10**18}
    write_by_hand(path, tiny_net.state_dict(), config=config)
    with pytest.raises(CorruptWeightsError, match=r"blocks\.3\.layers\.0\.weight is missing"):
        load_checkpoint(path)


@pytest.mark.parametrize("name", ["nothing", "./nothing.safetensors", ""])
def test_neither_name_nor_file(name):
    with pytest.raises(UnknownModelError) as caught:
        load_checkpoint(name)
    assert "ahdr models list" in caught.value.hint


def test_a_checkpoint_is_frozen(tiny_file):
    checkpoint = load_checkpoint(tiny_file)
    assert isinstance(checkpoint, Checkpoint)
    with pytest.raises(AttributeError):
        checkpoint.name = "other"
    with pytest.raises(TypeError):
        checkpoint.weights["x"] = np.zeros(1, np.float32)
    with pytest.raises(ValueError, match="read-only"):
        checkpoint.weights["fold.bias"][0] = 1
    with pytest.raises(TypeError):
        checkpoint.state_dict["x"] = torch.zeros(1)
    with pytest.raises(TypeError):
        checkpoint.provenance["x"] = "y"


def test_bounds_round_trip_and_survive_an_import(tmp_path, tiny_net, tiny_config):
    bounds = {name: 0.5 + i for i, name in enumerate(activations(tiny_config))}
    path = tmp_path / "calibrated.safetensors"
    save_checkpoint(
        path, config=tiny_config, state_dict=tiny_net.state_dict(), provenance={}, bounds=bounds
    )
    assert load_checkpoint(path).bounds == bounds
    assert import_checkpoint(path, tmp_path / "copy.safetensors").bounds == bounds


def test_without_calibration_there_are_no_bounds(tiny_file):
    assert not load_checkpoint(tiny_file).bounds


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"bolck.0": 1.0}, "'bolck.0' is unknown"), ({"merge": None}, "'merge' is missing")],
)
def test_bounds_of_another_network_are_refused(tmp_path, tiny_net, tiny_config, changes, reason):
    bounds = dict.fromkeys(activations(tiny_config), 1.0) | changes
    path = tmp_path / "x.safetensors"
    kept = {name: bound for name, bound in bounds.items() if bound is not None}
    write_by_hand(path, tiny_net.state_dict(), bounds=json.dumps(kept))
    with pytest.raises(CorruptWeightsError, match=reason):
        load_checkpoint(path)
