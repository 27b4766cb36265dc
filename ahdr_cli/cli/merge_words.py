"""What `ahdr merge` says of a merge: lines for `--verbose`, a dictionary for `--json`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ahdr_cli.cli.console import note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ahdr_cli.bracket.preparation import Preparation
    from ahdr_cli.bracket.shorter import ShorterFrame
    from ahdr_cli.evaluation.merge_report import MergeReport
    from ahdr_cli.merging import Merger

__all__ = ["describe_merge", "merge_as_dict", "uses"]

_DONE = {
    "matched": "outer frames matched to the middle one by the camera's curve",
    "straightened": "the camera's curve, near γ 2.2, undone in all frames",
    "linear": "the camera's curve undone in all frames, so that values are in proportion to light",
}
"""What `ToneMatch.way` means."""


def uses(prepared: Preparation, unused: Sequence[str]) -> str:
    """What the frames of a scene are used for, on one line; `unused` were never considered."""
    merged = [frame.name for frame in prepared.taken.frames]
    extending, left_out = _further(prepared)
    words = {
        "merging ": merged,
        "highlights from ": [further.taken.name for further in extending],
        "without ": [*unused, *left_out],
    }
    return "; ".join(
        lead + ", ".join(Path(name).name for name in names)
        for lead, names in words.items()
        if names
    )


def _further(prepared: Preparation) -> tuple[tuple[ShorterFrame, ...], tuple[str, ...]]:
    """The frames that raise highlights, and the names of those that could have."""
    highlights = prepared.highlights
    return ((), ()) if highlights is None else (highlights.frames, highlights.spare)


def describe_merge(prepared: Preparation, merger: Merger, timings: dict[str, float]) -> None:
    """What `--verbose` says."""
    bracket, moved = prepared.taken, prepared.displacements
    for frame, ratio in zip(bracket.frames, bracket.ratios, strict=True):
        note(f"{frame.name}: {ratio:.4g} × the shortest exposure")
    if any(moved):
        note("aligned: short frame by {:.1f} px, long frame by {:.1f} px".format(*moved))
    for further in _further(prepared)[0]:
        gain = further.gain
        agreed = "too little to compare" if gain is None else f"× {gain:.3f} to agree"
        note(
            f"{further.taken.name}: {further.ratio:.4g} × the shortest exposure, {agreed}, "
            f"moved by {further.displacement:.1f} px, raises highlights"
        )
    if (match := prepared.match) is not None:
        apart = f"with γ 2.2 the frames are {match.estimate.assumed_ev:.2f} EV apart"
        note(f"{_DONE[match.way]}: {apart}")
    note(f"noise {prepared.noise_levels:.2f} levels of 255")
    note(", ".join(f"{name} {value}" for name, value in merger.plan.to_dict().items()))
    note(", ".join(f"{name} {seconds:.2f} s" for name, seconds in timings.items()))


def merge_as_dict(
    prepared: Preparation,
    merger: Merger,
    outputs: dict[str, Path | None],
    timings: dict[str, float],
    measured: MergeReport | None,
    *,
    unused: Sequence[str] = (),
) -> dict[str, Any]:
    """What `--json` prints; `unused` are names of frames that were left out."""
    bracket, matched = prepared.taken, prepared.matched_ev
    extending, left_out = _further(prepared)
    return {
        "inputs": [
            {
                "path": frame.name,
                "seconds": frame.exposure.shutter if frame.exposure else None,
                "iso": frame.exposure.iso if frame.exposure else None,
                "f_number": frame.exposure.f_number if frame.exposure else None,
                "ratio": float(ratio),
            }
            for frame, ratio in zip(bracket.frames, bracket.ratios, strict=True)
        ],
        "highlights": [
            {
                "path": further.taken.name,
                "ratio": further.ratio,
                "gain": None if further.gain is None else round(further.gain, 4),
                "aligned_px": round(further.displacement, 3),
            }
            for further in extending
        ],
        "unused": [*unused, *left_out],
        **{name: None if path is None else str(path) for name, path in outputs.items()},
        "aligned_px": [round(pixels, 3) for pixels in prepared.displacements],
        "matched_ev": None if matched is None else round(matched, 3),
        "curve": None if prepared.match is None else prepared.match.way,
        "noise_levels": round(prepared.noise_levels, 3),
        **({} if measured is None else {"consistency": measured.to_dict()["frames"]}),
        "size": {"width": bracket.size[1], "height": bracket.size[0]},
        **merger.plan.to_dict(),
        "seconds": {name: round(seconds, 4) for name, seconds in timings.items()},
    }
