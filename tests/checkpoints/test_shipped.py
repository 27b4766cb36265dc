"""The weights in the repository are what their manifest and card say."""

from __future__ import annotations

import torch

from ahdr_cli.checkpoints import available_models, load_checkpoint, read_manifest, verify_model
from ahdr_cli.networks.cost import parameter_count
from ahdr_cli.networks.variants import VARIANTS


def test_all_verify(repository):
    entries = read_manifest(repository / "weights" / "MANIFEST.toml")
    assert sum(entry.default for entry in entries) == 1
    for entry in entries:
        checkpoint = verify_model(entry)
        assert {"origin", "data", "recipe"} <= set(checkpoint.provenance)


def test_every_weights_file_is_listed_and_described(repository):
    folder = repository / "weights"
    listed = {entry.path for entry in available_models()}
    assert set(folder.glob("*.safetensors")) == listed
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    for path in listed:
        assert f"`{path.name}`" in card


def test_ahdrnet_is_the_published_network():
    checkpoint = load_checkpoint("ahdrnet")
    assert checkpoint.config == VARIANTS["ahdrnet"]
    assert parameter_count(checkpoint.build()) == 1_441_283


def test_ahdrnet_reproduces_a_flat_scene():
    """Three noiseless exposures of one grey give that grey, in units of the shortest's white."""
    from ahdr_cli.networks.input import to_network_input

    grey, ratios = 0.05, torch.tensor([[1.0, 4.0, 16.0]])
    ldr = (grey * ratios).clamp(max=1).pow(1 / 2.2)[:, :, None, None, None].expand(1, 3, 3, 96, 96)
    with torch.inference_mode():
        output = load_checkpoint("ahdrnet").build()(to_network_input(ldr, ratios))
    centre = output[..., 43:-43, 43:-43]
    torch.testing.assert_close(centre, torch.full_like(centre, grey), rtol=0.15, atol=0.0)
