"""Scenes of Kalantari's layout (:mod:`ahdr_cli.io.kalantari`) as brackets with their truth."""

from __future__ import annotations

from ahdr_cli.bracket import Bracket, read_ev_file, with_exposures
from ahdr_cli.errors import SizeMismatchError
from ahdr_cli.images import FloatArray
from ahdr_cli.io import read_frame
from ahdr_cli.io.kalantari import SceneFolder, read_truth

__all__ = ["read_scene_bracket", "read_scene_truth"]


def read_scene_bracket(scene: SceneFolder) -> Bracket:
    """The three frames of a scene, with the exposures that its file lists.

    Raises:
        InputError: a frame cannot be read.
        ExposureError: an exposure file that makes no bracket.
    """
    exposures = read_ev_file(scene.exposures, count=3)
    frames = [read_frame(path) for path in scene.frames]
    return Bracket.from_frames(with_exposures(frames, exposures))


def read_scene_truth(scene: SceneFolder, bracket: Bracket) -> FloatArray:
    """The ground truth of a scene, as :func:`ahdr_cli.io.kalantari.read_truth` gives it.

    Raises:
        InputError: there is none, or it cannot be read.
        SizeMismatchError: it differs in size from the scene's bracket.
    """
    truth = read_truth(scene)
    if truth.shape[:2] != bracket.size:
        raise SizeMismatchError(
            f"ground truth has {truth.shape[1]}x{truth.shape[0]} pixels, "
            f"the frames {bracket.size[1]}x{bracket.size[0]}",
            path=scene.truth,
        )
    return truth
