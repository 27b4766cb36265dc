"""`write_synthetic_set`: a labelled test set with ground truth, in Kalantari's layout.

The four kinds of motion take turns, so that results can be told apart by kind. Each scene's
folder holds what :mod:`ahdr_cli.io.kalantari` describes; ``scene.json`` says how it was made::

    {"kind": "handheld-motion", "scene": "kitchen", "seed": 0, "index": 3, "objects": 2,
     "moving": 0.07, "clipped": 0.21, "ev": [0, 2, 4], "true_ev": [0.01, 2, 3.98],
     "curve": [0.012, -0.004, 0.009], "coding": "jpeg", "quality": 91,
     "shot_noise": 1e-05, "read_noise": 0.0002, "generator": "ahdr 0.1.0"}

`moving` is the share of pixels covered by objects that are elsewhere in another frame, and
`clipped` the share that the reference clips. `ev` are the exposures as recorded, `true_ev` those
that the frames were given, and `curve` the tone curve's deviation from γ 2.2 (see
:func:`ahdr_cli.training.camera.apply_response`). Noise is variance = shot_noise · x + read_noise²
in units of each frame's white.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ahdr_cli._version import __version__
from ahdr_cli.errors import OutputError, OutputExistsError, UsageError, reason_of
from ahdr_cli.images import FloatArray, HdrImage
from ahdr_cli.io import WriteOptions, write_hdr
from ahdr_cli.io.atomic import TEMPORARY_PREFIX
from ahdr_cli.io.kalantari import EXPOSURES, LABELS
from ahdr_cli.training.batch import Batch
from ahdr_cli.training.memory import FRAME_BYTES, require_memory
from ahdr_cli.training.plan import BatchPlan
from ahdr_cli.training.recipe import KINDS, Recipe
from ahdr_cli.training.sources import open_engine
from ahdr_cli.training.synthesis import Rendering, SynthesisEngine

__all__ = ["DEFAULT_SIZE", "write_synthetic_set"]

DEFAULT_SIZE = (320, 480)
"""Height and width that environment maps cropped to the horizon fill without enlargement."""

_SMALLEST_SIDE = 64
_CODINGS = ("16 bit", "8 bit", "jpeg")


def write_synthetic_set(
    sources: Sequence[str],
    destination: str | Path,
    *,
    scenes: int = 16,
    seed: int = 0,
    size: tuple[int, int] = DEFAULT_SIZE,
    on_scene: Callable[[int, int], None] | None = None,
) -> tuple[Path, ...]:
    """Synthesise brackets and write them with their ground truth.

    The same sources, seed and size give the same scenes.

    Args:
        sources: ``hdr:``, ``photo:`` or ``packed:``, see :mod:`ahdr_cli.training.sources`.
        destination: folder for the scenes' folders; made if need be, must be empty.
        scenes: how many.
        seed: ≥ 0.
        size: (height, width) of the frames.
        on_scene: told (done, total) after each scene.

    Returns:
        The scenes' folders.

    Raises:
        UsageError: a number that makes no sense, or sources that are brackets already.
        InputError: a source cannot be read.
        OutOfMemoryError: frames of this size do not fit.
        OutputExistsError: `destination` is not empty.
        OutputError: it cannot be written.
    """
    if scenes < 1 or seed < 0 or min(size) < _SMALLEST_SIDE:
        raise UsageError(
            f"cannot make {scenes} scenes of {size[1]}x{size[0]} pixels with seed {seed}",
            hint=f"at least 1 scene, {_SMALLEST_SIDE} pixels a side and seed 0 are needed",
        )
    folder = Path(destination)
    _check_vacant(folder)
    require_memory(
        FRAME_BYTES * size[0] * size[1],
        device="cpu",
        what=f"frames of {size[1]}x{size[0]} pixels",
        hint="choose a smaller size",
    )
    engine = open_engine(sources, seed=seed, recipe=Recipe(), device="cpu")
    if not isinstance(engine, SynthesisEngine):
        raise UsageError("test sets are made from radiance maps and photographs only")
    _make(folder)
    made = []
    for index in range(scenes):
        number = index % len(KINDS)
        shares = [float(kind == number) for kind in range(len(KINDS))]
        only = SynthesisEngine(engine.store, seed=seed, recipe=_recipe(shares))
        plan = only.plan([index], size=size)
        rendering = only.render(plan)
        name = f"{index:03d}-{KINDS[number]}"
        labels = _labels(plan, rendering, scene=engine.store.names[int(plan.scene[0])])
        made.append(_write(folder / name, only.capture(plan, rendering), labels))
        if on_scene is not None:
            on_scene(index + 1, scenes)
    return tuple(made)


def _recipe(shares: Sequence[float]) -> Recipe:
    static, tripod, handheld, both = shares
    return Recipe(kinds=(static, tripod, handheld, both))


def _check_vacant(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise OutputExistsError("is not empty", path=folder, hint="give a new folder")
    if folder.exists() and not folder.is_dir():
        raise OutputExistsError("is no folder", path=folder, hint="give a new folder")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder cannot be made: {reason_of(error)}", path=folder) from error


def _labels(plan: BatchPlan, rendering: Rendering, *, scene: str) -> dict[str, Any]:
    """What is known about the one sample of a plan."""
    reference = rendering.radiance[0, 1].amax(0) * float(plan.exposure[0, 1])
    coding = _CODINGS[int(plan.coding[0])]
    return {
        "kind": KINDS[int(plan.kind[0])],
        "scene": scene,
        "seed": plan.seed,
        "index": plan.indices[0],
        "objects": len(plan.layers),
        "moving": round(float((rendering.motion > 0.5).float().mean()), 4),
        "clipped": round(float((reference >= 1.0).float().mean()), 4),
        "ev": [round(float(ev), 6) for ev in np.log2(plan.ratios[0])],
        "true_ev": [round(float(ev), 6) for ev in np.log2(plan.exposure[0])],
        "curve": [round(float(value), 6) for value in plan.response[0]],
        "coding": coding,
        "quality": round(float(plan.quality[0])) if coding == "jpeg" else None,
        "shot_noise": float(f"{plan.shot_noise[0]:.3g}"),
        "read_noise": float(f"{plan.read_noise[0]:.3g}"),
        "generator": f"ahdr {__version__}",
    }


def _write(folder: Path, sample: Batch, labels: dict[str, Any]) -> Path:
    """Write one scene; its folder appears when it is complete."""
    import tifffile

    unfinished = folder.with_name(f"{TEMPORARY_PREFIX}{folder.name}")
    try:
        unfinished.mkdir()
        for number, frame in enumerate(_channels_last(sample.ldr[0])):
            tifffile.imwrite(
                unfinished / f"{number}.tif",
                np.rint(frame * np.float32(65535)).astype(np.uint16),
                photometric="rgb",
                compression="zlib",
                predictor=True,
            )
        (unfinished / EXPOSURES).write_text("".join(f"{ev:.6f}\n" for ev in labels["ev"]))
        truth = HdrImage(_channels_last(sample.target)[0])
        write_hdr(unfinished / "HDRImg.exr", truth, options=WriteOptions(float32=True))
        write_hdr(unfinished / "HDRImg.hdr", truth)
        (unfinished / LABELS).write_text(json.dumps(labels, indent=2) + "\n")
        unfinished.rename(folder)
    except OSError as error:
        raise OutputError(f"cannot be written: {reason_of(error)}", path=folder) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _channels_last(images: torch.Tensor) -> FloatArray:
    """(N, 3, H, W) → (N, H, W, 3) on the CPU."""
    return images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
