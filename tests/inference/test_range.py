"""The shipped models stay far within the range of fp16, which GPUs therefore compute in."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ahdr_cli import read_frame
from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.images import FloatArray
from ahdr_cli.inference.torch_runtime import TorchRuntime

SIDE = 48
FP16 = 65504.0


@pytest.fixture(scope="module")
def brackets(repository) -> list[FloatArray]:
    """A photograph's brightest part, and frames that contradict each other as much as can be."""
    paths = [repository / "examples" / f"{name}.jpg" for name in ("low", "mid", "high")]
    pixels = [read_frame(path).pixels for path in paths]
    y, x = np.unravel_index(pixels[0].sum(axis=-1).argmax(), pixels[0].shape[:2])
    top = min(max(y - SIDE // 2, 0), pixels[0].shape[0] - SIDE)
    left = min(max(x - SIDE // 2, 0), pixels[0].shape[1] - SIDE)
    photograph = np.stack([frame[top : top + SIDE, left : left + SIDE] for frame in pixels])
    flat = [np.full((SIDE, SIDE, 3), value, np.float32) for value in (0, 1)]
    noise = np.random.default_rng(0).integers(0, 2, (3, SIDE, SIDE, 3)).astype(np.float32)
    return [photograph, noise, *(np.stack([flat[i], flat[1 - i], flat[i]]) for i in (0, 1))]


@pytest.mark.parametrize("name", ["ahdrnet", "fast"])
def test_activations_leave_fp16_room(name, brackets, conditions):
    network = load_checkpoint(name).build()
    runtime = TorchRuntime(network)
    largest: dict[str, float] = {}

    def note(layer: str, result: torch.Tensor) -> None:
        largest[layer] = max(largest.get(layer, 0.0), result.abs().max().item())

    for layer, module in network.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda _module, _given, x, layer=layer: note(layer, x))
    for bracket in brackets:
        runtime(bracket, conditions)
    assert len(largest) > 10
    assert 1 < max(largest.values()) < FP16 / 100
