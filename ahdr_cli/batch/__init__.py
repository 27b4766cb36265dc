"""Whole folders, unattended: plan, run, resume, report, on one machine or many.

::

    gather   folders -> photographs with what their headers say
    plan     photographs or a manifest -> sets with inputs, exposures and output names
    stages   one set: read, merge, write, and the record that makes it resumable
    pipeline many sets on this machine, the stages overlapping
    cluster  many sets on a Ray cluster
    report   report.json and index.html

Names are imported on first use: planning needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ahdr_cli.batch.folder import merge_folder
    from ahdr_cli.batch.manifest import read_manifest, write_manifest
    from ahdr_cli.batch.options import BatchOptions
    from ahdr_cli.batch.pipeline import run_sets
    from ahdr_cli.batch.plan import Plan, PlannedSet, PlanOptions, make_plan
    from ahdr_cli.batch.report import write_report
    from ahdr_cli.batch.result import SetResult
    from ahdr_cli.batch.shard import Shard, parse_shard, shard_of_environment

__all__ = [
    "BatchOptions",
    "Plan",
    "PlanOptions",
    "PlannedSet",
    "SetResult",
    "Shard",
    "make_plan",
    "merge_folder",
    "parse_shard",
    "read_manifest",
    "run_sets",
    "shard_of_environment",
    "write_manifest",
    "write_report",
]

_HOMES = {
    "BatchOptions": "options",
    "Plan": "plan",
    "PlanOptions": "plan",
    "PlannedSet": "plan",
    "SetResult": "result",
    "Shard": "shard",
    "make_plan": "plan",
    "merge_folder": "folder",
    "parse_shard": "shard",
    "read_manifest": "manifest",
    "run_sets": "pipeline",
    "shard_of_environment": "shard",
    "write_manifest": "manifest",
    "write_report": "report",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
