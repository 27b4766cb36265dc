"""`ahdr bench`: how fast this machine merges, and what memory that takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from ahdr_cli.cli.console import guarded, note, print_json, stdout
from ahdr_cli.cli.options import (
    DeviceOption,
    JsonOption,
    ModelOption,
    PrecisionOption,
    QuietOption,
    RuntimeOption,
)

if TYPE_CHECKING:
    from rich.table import Table

    from ahdr_cli.benchmark import Benchmark, Timing

__all__ = ["bench"]


@guarded
def bench(
    sizes: Annotated[
        str,
        typer.Option("--sizes", metavar="MP,MP,…", help="Sizes of the frames in megapixels."),
    ] = "0.4,1.5",
    network_up_to: Annotated[
        float | None,
        typer.Option(
            "--network-up-to",
            metavar="MP",
            help="Beyond this size time everything but the network and the whole command.",
        ),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option("--repeats", metavar="N", help="Timed runs, after one for warming up."),
    ] = 3,
    model: ModelOption = "auto",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    runtime: RuntimeOption = "auto",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Time every stage of a merge and the whole command, on synthetic frames.

    Medians in seconds; with the peak memory, and with the network's rate as a share of what this
    machine reaches in multiplying matrices. The operations of direct convolutions are counted;
    Winograd's algorithm does fewer, so that its share may exceed 100 %. OMP_NUM_THREADS sets the
    number of threads.
    """
    from ahdr_cli.benchmark import BenchmarkOptions, run_benchmark

    options = BenchmarkOptions(
        sizes=_parse_sizes(sizes),
        network_up_to=math.inf if network_up_to is None else network_up_to,
        model=model,
        device=device,
        precision=precision,
        runtime=runtime,
        repeats=repeats,
    )
    found = run_benchmark(options, on_step=None if quiet else note)
    if as_json:
        print_json(found.to_dict())
        return
    for name, value in found.machine.items():
        stdout().print(f"{name}: {value}", markup=False)
    peak = found.peak
    stdout().print(
        f"matrix multiplication: {peak.flops / 1e9:.0f} GFLOP/s in {peak.precision}, "
        f"{peak.threads} threads on the CPU"
    )
    stdout().print(_table(found))
    shares = [found.share(result) or 0.0 for result in found.sizes]
    if max(shares, default=0.0) > 1.0:
        stdout().print(_ABOVE, markup=False)


_ABOVE = (
    "The share is above 100 % because the multiplications of direct convolutions are counted, and "
    "Winograd's algorithm does fewer of them."
)


def _parse_sizes(text: str) -> tuple[float, ...]:
    from ahdr_cli.errors import UsageError

    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UsageError(f"--sizes must be numbers with commas between, got {text!r}") from None


def _table(found: Benchmark) -> Table:
    from rich import box
    from rich.table import Table

    from ahdr_cli.benchmark.results import STAGES

    table = Table(title="seconds: median (least to most)", box=box.MARKDOWN)
    table.add_column("")
    for result in found.sizes:
        table.add_column(f"{result.megapixels:.3g} MP", justify="right")
    for stage in STAGES:
        table.add_row(stage, *(_seconds(result.timings.get(stage)) for result in found.sizes))
    shares = [found.share(result) for result in found.sizes]
    rows = {
        "network, GFLOP/s": [_scaled(result.network_flops, 1e9, 0) for result in found.sizes],
        "share of matrix rate": ["-" if share is None else f"{share:.0%}" for share in shares],
        "peak RSS of the command, GB": [_scaled(r.command_rss, 1e9, 2) for r in found.sizes],
        "peak RSS of the stages, GB": [_scaled(r.stages_rss, 1e9, 2) for r in found.sizes],
        "peak on the device, GB": [_scaled(r.device_bytes, 1e9, 2) for r in found.sizes],
    }
    for name, cells in rows.items():
        if any(cell != "-" for cell in cells):
            table.add_row(name, *cells)
    return table


def _seconds(timing: Timing | None) -> str:
    if timing is None:
        return "-"
    least, most = timing.spread
    return f"{timing.median:.3g} ({least:.3g} to {most:.3g})"


def _scaled(value: float | None, unit: float, digits: int) -> str:
    return "-" if value is None else f"{value / unit:.{digits}f}"
