"""`Method`: anything that merges a bracket, by the name that the table shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ahdr_cli.bracket import Bracket
from ahdr_cli.errors import UsageError
from ahdr_cli.evaluation import baselines
from ahdr_cli.evaluation.flow import align_by_flow
from ahdr_cli.images import FloatArray

if TYPE_CHECKING:
    from ahdr_cli.evaluation.datasets import EvaluationScene
    from ahdr_cli.merging import Merger

__all__ = [
    "BASELINES",
    "FLOW",
    "Method",
    "flow_method",
    "model_method",
    "select_baselines",
    "to_shortest_white",
]

FLOW = "flow"
"""Name of the baseline that needs a model: optical flow, then the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to merge.

    Attributes:
        name: in tables.
        summary: one line for legends.
        merge: scene → (H, W, 3) float32, linear with 1.0 = white of the reference frame;
            for a picture, display-encoded in [0, 1]. The scene's truth is not to be looked at.
        is_picture: the result is a picture (exposure fusion) and not radiance.
        check: for results that exist already, raises InputError if the scene of a name has none.
            To read them takes a time that says nothing, and none is recorded.
    """

    name: str
    summary: str
    merge: Callable[[EvaluationScene], FloatArray]
    is_picture: bool = False
    check: Callable[[str], object] | None = None

    def __call__(self, scene: EvaluationScene) -> FloatArray:
        """Merge."""
        return self.merge(scene)


def to_shortest_white(radiance: FloatArray, bracket: Bracket) -> FloatArray:
    """From the reference's white to the shortest frame's, clipped to [0, 1] like the truth.

    The only conversion before any metric, by the exposures alone; the same for all methods.
    """
    relative: FloatArray = radiance / np.float32(bracket.ratios[1])
    return np.clip(relative, np.float32(0), np.float32(1))


def model_method(merger: Merger, *, name: str) -> Method:
    """The network."""
    return Method(
        name=name,
        summary=_summary(merger),
        merge=lambda scene: merger(scene.bracket).pixels,
    )


def flow_method(merger: Merger, *, name: str) -> Method:
    """Optical flow to the reference, then the network: AHDRNet + OF of the paper."""
    return Method(
        name=f"{name}+{FLOW}",
        summary=f"outer frames warped by DIS optical flow, then {_summary(merger)}",
        merge=lambda scene: merger(align_by_flow(scene.bracket)).pixels,
    )


def _summary(merger: Merger) -> str:
    """Which weights, and what decides their result."""
    plan, options = merger.plan, merger.options
    return (
        f"network {plan.model}, sha256 {plan.sha256[:12]}, {plan.precision}, "
        f"align {options.align}, response {options.response}"
    )


def _of_bracket(merge: Callable[[Bracket], FloatArray]) -> Callable[[EvaluationScene], FloatArray]:
    return lambda scene: merge(scene.bracket)


BASELINES: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(
                name="reference",
                summary="the middle frame alone, linearised",
                merge=_of_bracket(baselines.reference_alone),
            ),
            Method(
                name="triangle",
                summary="mean of the three radiance estimates, triangle weights",
                merge=_of_bracket(baselines.triangle),
            ),
            Method(
                name="debevec",
                summary="OpenCV, Debevec & Malik",
                merge=_of_bracket(baselines.debevec),
            ),
            Method(
                name="robertson",
                summary="OpenCV, Robertson et al.",
                merge=_of_bracket(baselines.robertson),
            ),
            Method(
                name="mtb-debevec",
                summary="OpenCV, shifts by MTB, then Debevec & Malik",
                merge=_of_bracket(baselines.mtb_debevec),
            ),
            Method(
                name="mertens",
                summary="OpenCV, exposure fusion (a picture, no radiance)",
                merge=_of_bracket(baselines.mertens),
                is_picture=True,
            ),
        )
    }
)
"""The classical methods, in the order of the table."""


def select_baselines(names: list[str]) -> tuple[Method, ...]:
    """Classical methods by name; ``all`` stands for all, `FLOW` is passed over.

    Raises:
        UsageError: no such baseline.
    """
    for name in names:
        if name not in (*BASELINES, FLOW, "all"):
            raise UsageError(
                f"unknown baseline {name!r}",
                hint=f"choose from {', '.join(BASELINES)}, {FLOW}, all",
            )
    return tuple(method for name, method in BASELINES.items() if name in names or "all" in names)
