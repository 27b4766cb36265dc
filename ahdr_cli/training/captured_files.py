"""Brackets with ground truth from folders of Kalantari's layout, for training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ahdr_cli.captured_scene import read_scene_bracket, read_scene_truth
from ahdr_cli.io.kalantari import SceneFolder, find_scenes
from ahdr_cli.training.captured import CapturedBracket

__all__ = ["read_brackets"]


def read_brackets(folder: str | Path) -> Iterator[CapturedBracket]:
    """All brackets in `folder` and below, one after the other.

    Raises:
        InputError: no such folder, no scene in it, a scene without ground truth or with a
            damaged file.
        ExposureError: an exposure file that makes no bracket.
    """
    for scene in find_scenes(folder):
        yield _read_bracket(scene)


def _read_bracket(scene: SceneFolder) -> CapturedBracket:
    bracket = read_scene_bracket(scene)
    truth = read_scene_truth(scene, bracket)
    short, reference, long = (float(ratio) for ratio in bracket.ratios)
    return CapturedBracket(
        name=scene.name,
        frames=np.stack([_quantised(frame.pixels) for frame in bracket.frames]),
        ratios=(short, reference, long),
        truth=truth.astype(np.float16),
    )


def _quantised(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels * np.float32(65535)).astype(np.uint16)
