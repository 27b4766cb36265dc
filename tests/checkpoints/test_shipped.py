"""The weights in the repository are what their manifest and card say."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ahdr_cli.checkpoints import available_models, load_checkpoint, read_manifest, verify_model
from ahdr_cli.checkpoints.manifest import VALIDATION
from ahdr_cli.networks.cost import parameter_count
from ahdr_cli.networks.input import to_network_input
from ahdr_cli.networks.variants import MODELS, VARIANTS

SHIPPED = ("ahdrnet", "fast")


def test_all_verify(repository):
    entries = read_manifest(repository / "weights" / "MANIFEST.toml")
    assert tuple(entry.name for entry in entries) == SHIPPED
    assert sum(entry.default for entry in entries) == 1
    for entry in entries:
        checkpoint = verify_model(entry)
        assert {"origin", "data", "recipe"} <= set(checkpoint.provenance)
        # What `--model auto` decides by.
        assert entry.macs_per_pixel is not None
        assert entry.receptive_radius is not None
        assert {"psnr_mu", "psnr_l", "ssim_mu"} <= set(entry.scores[VALIDATION])


def test_every_weights_file_is_listed_and_described(repository):
    folder = repository / "weights"
    listed = {entry.path for entry in available_models()}
    assert set(folder.glob("*.safetensors")) == listed
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    for path in listed:
        assert f"`{path.name}`" in card


def test_ahdrnet_is_the_published_network_and_a_choice():
    checkpoint = load_checkpoint("ahdrnet")
    assert checkpoint.config == MODELS["ahdrnet-blend"]
    assert replace(checkpoint.config, output="radiance") == VARIANTS["ahdrnet"]
    choice = 64 * 4 * 9 + 4
    assert parameter_count(checkpoint.config) == 1_441_283 + choice


def test_fast_is_the_fast_network():
    assert load_checkpoint("fast").config == MODELS["fast"]


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("grey", [0.002, 0.05, 0.6])
def test_a_flat_scene_is_reproduced(name, grey):
    """Three noiseless exposures of one grey give that grey, in units of the shortest's white."""
    ratios = torch.tensor([[1.0, 4.0, 16.0]])
    ldr = (grey * ratios).clamp(max=1).pow(1 / 2.2)[:, :, None, None, None].expand(1, 3, 3, 96, 96)
    with torch.inference_mode():
        output = load_checkpoint(name).build()(to_network_input(ldr, ratios, torch.tensor([1e-5])))
    centre = output[..., 43:-43, 43:-43]
    torch.testing.assert_close(centre, torch.full_like(centre, grey), rtol=0.05, atol=0.0)
