"""Our network against arrays computed with the authors' one.

``data/tiny.pt`` and ``tiny.npz`` hold its weights (features 8, growth 4, random) in the
authors' key layout, an input and the output. The full-sized pair is not distributed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ahdr_cli.checkpoints import Checkpoint, import_checkpoint

DATA = Path(__file__).parent / "data"
TOLERANCE = 1e-5


def imported(source: Path, folder: Path) -> Checkpoint:
    return import_checkpoint(source, folder / "imported.safetensors")


def deviation(checkpoint: Checkpoint, arrays: Path) -> float:
    """Largest absolute difference from the stored output."""
    with np.load(arrays) as stored:
        # Stored as (frame, N, channel, H, W), the authors' three arguments.
        frames = torch.from_numpy(stored["x"]).transpose(0, 1)
        expected = torch.from_numpy(stored["y"])
    with torch.inference_mode():
        output = checkpoint.build()(frames)
    # Random weights could give a flat picture that anything would agree with.
    assert expected.std() > 100 * TOLERANCE
    return float((output - expected).abs().max())


def test_tiny(tmp_path):
    assert deviation(imported(DATA / "tiny.pt", tmp_path), DATA / "tiny.npz") <= TOLERANCE


def test_full(tmp_path, shared_dir):
    parity = shared_dir / "parity"
    checkpoint = imported(parity / "full.pt", tmp_path)
    assert deviation(checkpoint, parity / "full.npz") <= TOLERANCE


@pytest.mark.parametrize("first, second", [(0, 1), (0, 2), (1, 2)])
def test_the_order_of_frames_matters(tmp_path, first, second):
    checkpoint = imported(DATA / "tiny.pt", tmp_path)
    with np.load(DATA / "tiny.npz") as stored:
        frames = torch.from_numpy(stored["x"]).transpose(0, 1)
    swapped = frames.clone()
    swapped[:, [first, second]] = frames[:, [second, first]]
    network = checkpoint.build()
    with torch.inference_mode():
        assert (network(swapped) - network(frames)).abs().max() > 100 * TOLERANCE
