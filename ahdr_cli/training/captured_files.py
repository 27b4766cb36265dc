"""Brackets with ground truth from folders of Kalantari's layout, for training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ahdr_cli.bracket import Bracket, read_ev_file, with_exposures
from ahdr_cli.errors import SizeMismatchError
from ahdr_cli.io import read_frame
from ahdr_cli.io.kalantari import SceneFolder, find_scenes, read_truth
from ahdr_cli.training.captured import CapturedBracket

__all__ = ["read_bracket", "read_brackets"]


def read_brackets(folder: str | Path) -> Iterator[CapturedBracket]:
    """All brackets in `folder` and below, one after the other.

    Raises:
        InputError: no such folder, no scene in it, a scene without ground truth or with a
            damaged file.
        ExposureError: an exposure file that makes no bracket.
    """
    for scene in find_scenes(folder):
        yield read_bracket(scene)


def read_bracket(scene: SceneFolder) -> CapturedBracket:
    """One bracket; raises as :func:`read_brackets` does."""
    exposures = read_ev_file(scene.exposures, count=3)
    bracket = Bracket.from_frames(
        with_exposures([read_frame(path) for path in scene.frames], exposures)
    )
    truth = read_truth(scene)
    if truth.shape[:2] != bracket.size:
        raise SizeMismatchError(
            f"ground truth has {truth.shape[1]}x{truth.shape[0]} pixels, "
            f"the frames {bracket.size[1]}x{bracket.size[0]}",
            path=scene.truth,
        )
    short, reference, long = (float(ratio) for ratio in bracket.ratios)
    return CapturedBracket(
        name=scene.name,
        frames=np.stack([_quantised(frame.pixels) for frame in bracket.frames]),
        ratios=(short, reference, long),
        truth=truth.astype(np.float16),
    )


def _quantised(pixels: np.ndarray) -> np.ndarray:
    return np.rint(pixels * np.float32(65535)).astype(np.uint16)
