"""Results that somebody else's program computed, as a method: a file for each scene.

A result is linear radiance in the reference frame's geometry. What its 1.0 stands for cannot be
seen from a file and must be said: the white of the shortest frame, as in ``HDRImg.hdr`` and in what
networks trained on Kalantari's data return, or that of the reference frame, as in what
`ahdr merge` writes.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ahdr_cli.errors import InputError, SizeMismatchError, UsageError
from ahdr_cli.evaluation.datasets import EvaluationScene
from ahdr_cli.evaluation.methods import Method
from ahdr_cli.images import FloatArray
from ahdr_cli.io import read_hdr

__all__ = ["SUFFIXES", "WHITES", "results_method"]

SUFFIXES = (".exr", ".tif", ".tiff", ".hdr")
"""Of results, in order of preference: the last one rounds."""

WHITES = ("shortest", "reference")
"""The frame whose white is 1.0."""


def results_method(spec: str, *, white: str = "shortest") -> Method:
    """The results in a folder.

    Args:
        spec: ``NAME=DIR`` or ``DIR``, whose own name is then the method's. For the scene ``a`` it
            holds ``a.exr``, ``a.hdr`` or ``a.tif``, or a folder ``a`` with one such file.
        white: one of `WHITES`.

    Raises:
        UsageError: no name, or no such white.
        InputError: no such folder.
    """
    name, separator, text = spec.rpartition("=")
    folder = Path(text)
    if not text or (separator and not name):
        raise UsageError(f"results must be NAME=DIR or DIR, got {spec!r}")
    if white not in WHITES:
        raise UsageError(f"white must be {' or '.join(WHITES)}, got {white!r}")
    if not folder.is_dir():
        raise InputError("no such folder", path=folder)
    return Method(
        name=name or folder.resolve().name,
        summary=f"computed elsewhere, 1.0 = white of the {white} frame",
        merge=partial(_read, folder, white),
        check=partial(_find, folder),
    )


def _find(folder: Path, scene: str) -> Path:
    """The one file of a scene; InputError if there is none, or more than one to choose from."""
    place = folder / scene
    for suffix in SUFFIXES:
        path = place.with_name(place.name + suffix)
        if path.is_file():
            return path
    inside = place.glob("*") if place.is_dir() else ()
    found = sorted(path for path in inside if path.suffix.lower() in SUFFIXES)
    if len(found) != 1:
        raise InputError(
            f"{len(found) or 'no'} results for the scene {scene!r}, expected 1",
            path=folder,
            hint=f"{scene}.exr, .hdr or .tif, or a folder {scene} with one such file",
        )
    return found[0]


def _read(folder: Path, white: str, scene: EvaluationScene) -> FloatArray:
    path = _find(folder, scene.name)
    pixels = read_hdr(path).pixels
    height, width = scene.bracket.size
    if pixels.shape[:2] != (height, width):
        raise SizeMismatchError(
            f"has {pixels.shape[1]}x{pixels.shape[0]} pixels, the frames {width}x{height}",
            path=path,
        )
    gain = scene.bracket.ratios[1] if white == "shortest" else 1.0
    return np.asarray(pixels * np.float32(gain), np.float32)
