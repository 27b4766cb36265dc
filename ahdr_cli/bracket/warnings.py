"""What the user should know of a bracket that is valid, yet unusual. Nothing here prints."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ahdr_cli.bracket.relative import exposures_of, unequal_fields
from ahdr_cli.bracket.spacing import TRAINED_SPACING_EV, outside_range

if TYPE_CHECKING:
    from ahdr_cli.bracket.bracket import Bracket
    from ahdr_cli.images import Frame

__all__ = ["bracket_warnings"]

_DARKER = 0.02
"""A longer exposure that is darker than the shorter one by this share of white is suspicious."""

_GRID = 200
"""Brightness is measured on about so many rows or columns of pixels."""


def bracket_warnings(
    bracket: Bracket, *, trained_ev: tuple[float, float] = TRAINED_SPACING_EV
) -> list[str]:
    """Everything unusual about a bracket, one line each.

    Args:
        bracket: to be looked at.
        trained_ev: smallest and largest spacing that the model was trained on, in EV.
    """
    warnings = [*_repeated(bracket.frames), *_of_several_cameras(bracket.frames)]
    neighbours = pairwise(bracket.frames)
    for (darker, brighter), step in zip(neighbours, bracket.spacing_ev, strict=True):
        if outside_range(step, trained_ev) > 0:
            warnings.append(
                f"{darker.name} and {brighter.name} are {step:.1f} EV apart; "
                f"the model was trained on {trained_ev[0]:g} to {trained_ev[1]:g} EV"
            )
        if _brightness(brighter) < _brightness(darker) - _DARKER:
            warnings.append(
                f"{brighter.name} had {step:.1f} EV more light than {darker.name}, and is darker; "
                "check the exposures: flags follow the order of the files"
            )
    warnings += [
        f"{label} differs but is not known for every frame, so it was ignored"
        for label in unequal_fields(exposures_of(bracket.frames))
    ]
    return warnings


def _repeated(frames: Sequence[Frame]) -> list[str]:
    """A line if frames are the same picture, as when a file was copied or given twice."""
    for first in frames:
        same = [frame.name for frame in frames if frame is first or _is_same(first, frame)]
        if len(same) > 1:
            return [
                f"{' and '.join(same)} are the same picture, though their exposures differ; "
                "check the files"
            ]
    return []


def _is_same(first: Frame, second: Frame) -> bool:
    """Whether two frames agree in every value, and show anything: black or white says nothing."""
    mine, other, step = first.pixels, second.pixels, _grid_step(first)
    return (
        np.array_equal(mine[::step, ::step], other[::step, ::step])
        and np.array_equal(mine, other)
        and bool(mine.min() < mine.max())
    )


def _of_several_cameras(frames: Sequence[Frame]) -> list[str]:
    """A line if the files say that they come from different cameras."""
    cameras = {
        camera.casefold(): f"{frame.name} by {camera}"
        for frame in frames
        if (camera := frame.metadata.camera) is not None
    }
    if len(cameras) < 2:
        return []
    return [f"taken by different cameras: {', '.join(cameras.values())}"]


def _grid_step(frame: Frame) -> int:
    return max(1, min(frame.size) // _GRID)


def _brightness(frame: Frame) -> float:
    """Mean encoded value, of pixels on a grid."""
    step = _grid_step(frame)
    return float(frame.pixels[::step, ::step].mean())
