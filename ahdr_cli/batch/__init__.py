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

from typing import TYPE_CHECKING

from ahdr_cli._lazy import lazy_names

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "folder": ("merge_folder",),
        "manifest": ("read_manifest", "write_manifest"),
        "options": ("BatchOptions",),
        "pipeline": ("run_sets",),
        "plan": ("Plan", "PlanOptions", "PlannedSet", "make_plan"),
        "report": ("write_report",),
        "result": ("SetResult",),
        "shard": ("Shard", "parse_shard", "shard_of_environment"),
    },
)
