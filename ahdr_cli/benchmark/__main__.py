"""One measurement in a process of its own: `python -m ahdr_cli.benchmark TASK REQUEST ANSWER`.

The request and the answer are JSON files. A failure of ours is an answer as well; any other
one is told by the exit code and stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ahdr_cli.benchmark.options import BenchmarkOptions
from ahdr_cli.errors import AhdrError

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Do what is asked."""
    task, request, answer = arguments
    try:
        found = _TASKS[task](json.loads(Path(request).read_text(encoding="utf-8")))
    except AhdrError as error:
        found = {
            "error": type(error).__name__,
            "message": error.message,
            "path": None if error.path is None else str(error.path),
            "hint": error.hint,
        }
    Path(answer).write_text(json.dumps(found), encoding="utf-8")


def _write_bracket(request: dict[str, Any]) -> dict[str, Any]:
    from ahdr_cli.benchmark.scene import write_bracket

    paths = write_bracket(Path(request["folder"]), request["megapixels"])
    return {"paths": [str(path) for path in paths]}


def _measure_stages(request: dict[str, Any]) -> dict[str, Any]:
    from ahdr_cli.benchmark.stages import measure_stages

    return measure_stages(
        [Path(path) for path in request["paths"]],
        _options(request),
        folder=Path(request["folder"]),
        network=request["network"],
    )


def _measure_peak(request: dict[str, Any]) -> dict[str, Any]:
    from ahdr_cli.benchmark.machine import describe_machine
    from ahdr_cli.benchmark.peak import measure_peak
    from ahdr_cli.inference.devices import select_device, select_precision

    options = _options(request)
    device = select_device(options.device)
    precision = select_precision(options.precision, device=device)
    # Libraries multiply no matrices of 8 bits at a rate worth a comparison.
    peak = measure_peak(device=device, precision="fp32" if precision == "int8" else precision)
    return {"peak": asdict(peak), "machine": describe_machine(device)}


def _options(request: dict[str, Any]) -> BenchmarkOptions:
    values = request["options"]
    return BenchmarkOptions(**values | {"sizes": tuple(values["sizes"])})


_TASKS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "bracket": _write_bracket,
    "stages": _measure_stages,
    "peak": _measure_peak,
}


if __name__ == "__main__":
    main(sys.argv[1:])
