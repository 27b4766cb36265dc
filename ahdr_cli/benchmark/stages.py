"""The stages of a merge one by one, with a clock between them."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ahdr_cli.benchmark.options import BenchmarkOptions
from ahdr_cli.benchmark.scene import EVS
from ahdr_cli.bracket import Bracket
from ahdr_cli.bracket.preparation import Preparation, prepare
from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.images import Exposure, FloatArray, HdrImage
from ahdr_cli.inference.budget import TileBudget
from ahdr_cli.inference.choice import AUTO, choose_model
from ahdr_cli.inference.devices import select_device, select_precision
from ahdr_cli.inference.memory import free_memory
from ahdr_cli.inference.runtime import (
    Runtime,
    StreamingRuntime,
    one_by_one,
    open_runtime,
    tile_stream,
)
from ahdr_cli.inference.tile_stream import Crop, stream_tiled
from ahdr_cli.io import probe, read_frames, write_hdr, write_preview
from ahdr_cli.networks.cost import macs_per_pixel
from ahdr_cli.radiometry.tonemap import render
from ahdr_cli.radiometry.transfer import gamma_decode

__all__ = ["measure_stages", "peak_rss"]


def measure_stages(
    paths: list[Path], options: BenchmarkOptions, *, folder: Path, network: bool
) -> dict[str, Any]:
    """Merge a bracket again and again, and say how long each stage takes.

    Args:
        paths: of the bracket.
        options: model, machine and repeats.
        folder: for results.
        network: whether the network is run; if not, the reference frame stands for its result.

    Returns:
        Fields of :class:`ahdr_cli.benchmark.results.SizeResult`; timings as lists of seconds.
    """
    device = select_device(options.device)
    precision = select_precision(options.precision, device=device)
    checkpoint = load_checkpoint(_resolved(options, device=device, path=paths[0]))
    runtime = open_runtime(checkpoint, name=options.runtime, device=device, precision=precision)
    clock = _Clock()
    size = (0, 0)
    for repeat in range(options.repeats + 1):
        size = _run(paths, runtime if network else None, clock=clock, folder=folder)
        if repeat == 0:
            clock.runs.clear()  # that was for warming up
    return {
        "width": size[1],
        "height": size[0],
        "timings": dict(clock.runs),
        "stages_rss": peak_rss(),
        "device_bytes": _device_bytes(device),
        "macs_per_pixel": macs_per_pixel(checkpoint.config),
        "plan": {
            "model": checkpoint.name,
            "device": device,
            "precision": precision,
            "runtime": runtime.name,
            "halo": runtime.halo,
        },
    }


def _resolved(options: BenchmarkOptions, *, device: str, path: Path) -> str:
    """The name that `auto` means for frames like this one, as `ahdr merge` understands it."""
    if options.model != AUTO:
        return options.model
    info = probe(path)
    return choose_model(
        device=device,
        pixels=info.width * info.height,
        runtime=options.runtime,
        precision=options.precision,
    ).name


def peak_rss() -> int | None:
    """Most memory that this process has had resident, in bytes; None where nobody says."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@dataclass(slots=True)
class _Clock:
    """Seconds of each run, by stage."""

    runs: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.runs[name].append(time.perf_counter() - started)


def _run(
    paths: list[Path], runtime: Runtime | None, *, clock: _Clock, folder: Path
) -> tuple[int, int]:
    """All stages once; returns the frames' (height, width)."""
    with clock.stage("decode"):
        exposures = [Exposure.from_ev(ev) for ev in EVS]
        bracket = Bracket.from_frames(read_frames(paths, exposures=exposures))
    with clock.stage("align"):
        prepared = prepare(bracket, align=True, response="auto")
    white = float(bracket.ratios[1])
    if runtime is None:
        radiance = gamma_decode(bracket.reference.pixels)
    else:
        radiance = _network(runtime, prepared, clock=clock)
    image = HdrImage(radiance * np.float32(white))
    with clock.stage("exr"):
        write_hdr(folder / "merged.exr", image, overwrite=True)
    with clock.stage("hdr"):
        write_hdr(folder / "merged.hdr", image, overwrite=True)
    with clock.stage("preview"):
        shown = render(image.pixels, "mu-law", white=white)
        write_preview(folder / "merged.png", shown, image=image, overwrite=True)
    return bracket.size


def _network(runtime: Runtime, prepared: Preparation, *, clock: _Clock) -> FloatArray:
    """Tile by tile as in a merge, but never cutting one while another is computed."""
    cutting = 0.0

    def timed(crops: Iterator[Crop]) -> Iterator[Crop]:
        nonlocal cutting
        while True:
            started = time.perf_counter()
            crop = next(crops, None)
            cutting += time.perf_counter() - started
            if crop is None:
                return
            yield crop

    streamed = one_by_one if isinstance(runtime, StreamingRuntime) else tile_stream
    compute = streamed(runtime, prepared.conditions)
    budget = TileBudget(runtime=runtime, free=free_memory(runtime.device))
    started = time.perf_counter()
    radiance = stream_tiled(
        lambda crops: compute(timed(crops)),
        prepared.pixels,
        halo=runtime.halo,
        inner=budget.fit(prepared.taken.size),
        align=runtime.stride,
    )
    clock.runs["input"].append(cutting)
    clock.runs["network"].append(time.perf_counter() - started - cutting)
    runtime.release()
    return radiance


def _device_bytes(device: str) -> int | None:
    if not device.startswith("cuda"):
        return None
    import torch

    reserved: Callable[[str], int] = torch.cuda.max_memory_reserved
    return reserved(device)
