"""A benchmark from beginning to end, each measurement in a fresh process.

This process stays small: on Linux a child's peak memory is at least that of its parent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ahdr_cli import errors
from ahdr_cli.benchmark.options import BenchmarkOptions
from ahdr_cli.benchmark.results import Benchmark, Peak, SizeResult, Timing

__all__ = ["run_benchmark"]

_EVS = "-2,0,2"  # of the synthetic frames


def run_benchmark(
    options: BenchmarkOptions, *, on_step: Callable[[str], None] | None = None
) -> Benchmark:
    """Measure everything.

    Args:
        options: what.
        on_step: told in words what is done next.

    Raises:
        AhdrError: whatever stops a merge, such as an unknown model.
        OutOfMemoryError: a process was killed, most likely for its memory.
    """
    tell = on_step or (lambda words: None)
    with tempfile.TemporaryDirectory(prefix="ahdr-bench-") as name:
        folder = Path(name)
        results = [_measure(options, size, folder=folder, tell=tell) for size in options.sizes]
        tell("measuring the machine's own rate of multiplying matrices")
        measured = _ask("peak", {"options": asdict(options)}, folder)
    return Benchmark(machine=measured["machine"], peak=Peak(**measured["peak"]), sizes=results)


def _measure(
    options: BenchmarkOptions, megapixels: float, *, folder: Path, tell: Callable[[str], None]
) -> SizeResult:
    network = megapixels <= options.network_up_to
    tell(f"{megapixels:g} MP: making three frames")
    request = {"folder": str(folder), "megapixels": megapixels}
    paths: list[str] = _ask("bracket", request, folder)["paths"]
    tell(f"{megapixels:g} MP: timing the stages")
    request = {
        "paths": paths,
        "options": asdict(options),
        "folder": str(folder),
        "network": network,
    }
    found = _ask("stages", request, folder)
    timings = {stage: Timing(tuple(runs)) for stage, runs in found.pop("timings").items()}
    memory: list[int | None] = []
    if network:
        tell(f"{megapixels:g} MP: timing the whole command")
        command = _command(paths, options, output=folder / "command.exr")
        runs = [_run(command) for _ in range(options.repeats + 1)][1:]
        timings["command"] = Timing(tuple(seconds for seconds, _ in runs))
        memory = [rss for _, rss in runs]
    known = [rss for rss in memory if rss is not None]
    return SizeResult(timings=timings, command_rss=max(known, default=None), **found)


def _command(paths: list[str], options: BenchmarkOptions, *, output: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "ahdr_cli", "merge", *paths, f"--ev={_EVS}", "--quiet"),
        *("--output", str(output), "--overwrite", "--model", options.model),
        *("--device", options.device, "--runtime", options.runtime),
        *("--precision", options.precision),
    ]


def _ask(task: str, request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Have one task done by a fresh process."""
    question, answer = folder / "request.json", folder / "answer.json"
    question.write_text(json.dumps(request), encoding="utf-8")
    answer.unlink(missing_ok=True)
    _run([sys.executable, "-m", "ahdr_cli.benchmark", task, str(question), str(answer)])
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    if "error" in found:
        kind: type[errors.AhdrError] = getattr(errors, found["error"])
        raise kind(found["message"], path=found["path"], hint=found["hint"])
    return found


def _run(command: list[str]) -> tuple[float, int | None]:
    """Run a command; its seconds, and its peak memory in bytes where the system tells.

    Raises:
        OutOfMemoryError: it was killed.
        AhdrError: it failed.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=words)
        try:
            code, rss = _wait(process)
        except BaseException:
            process.kill()
            raise
        seconds = time.perf_counter() - started
        words.seek(0)
        text = words.read().decode(errors="replace").strip()
    if code == 0:
        return seconds, rss
    if code < 0:
        raise errors.OutOfMemoryError(
            f"a measurement was ended by signal {-code}, most likely for lack of memory",
            hint="leave out the large --sizes",
        )
    last = text.splitlines()[-1] if text else "it said nothing"
    raise errors.AhdrError(f"a measurement failed with exit code {code}: {last}")


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, int | None]:
    if not hasattr(os, "wait4"):  # Windows
        return process.wait(), None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return process.returncode, usage.ru_maxrss * unit
