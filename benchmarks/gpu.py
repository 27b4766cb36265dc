"""What a GPU makes of the network, alone, with transfers, and in a batch.

    python benchmarks/gpu.py --json gpu.json --markdown gpu-results.md
    python benchmarks/gpu.py --device cpu --megapixels 0.01 --repeats 2 --sets 2   # a dry run

Needs the package and torch. Cases that need CUDA are named and left out where there is none. All
times are medians after a warm-up, with the least and the most beside them; every case says how
far its result is from eager fp32 on the same device.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu_batch import measure_batch
from gpu_forms import FORMS, TRITON_FORMS, set_form
from gpu_tables import tabulate

from ahdr_cli import Bracket, Exposure, load_checkpoint, read_frame
from ahdr_cli.benchmark.machine import describe_machine
from ahdr_cli.benchmark.peak import measure_peak
from ahdr_cli.benchmark.scene import EVS, write_bracket
from ahdr_cli.bracket.preparation import prepare
from ahdr_cli.errors import AhdrError
from ahdr_cli.inference.cuda import CudaAccelerator
from ahdr_cli.inference.devices import Precision, select_device
from ahdr_cli.inference.pipelined_runtime import PipelinedRuntime
from ahdr_cli.inference.runtime import open_runtime, select_runtime
from ahdr_cli.inference.torch_runtime import TorchRuntime
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.cost import macs_per_pixel
from ahdr_cli.networks.input import to_network_input
from ahdr_cli.networks.precision import cudnn_flags
from ahdr_cli.radiometry.transfer import mu_law_compress

Row = dict[str, Any]
WARM_UP = 3
WAYS = ("eager", "search", "graph", "search+graph", "compile", "compile+graph")
"""`search` has cuDNN try its algorithms, which `ahdr` does before it captures a graph."""


def main() -> None:
    """Measure, and write down every figure as soon as it is there."""
    arguments = _arguments()
    device = select_device(arguments.device)
    with tempfile.TemporaryDirectory() as name:
        paths = write_bracket(Path(name), arguments.megapixels)
        exposures = [Exposure.from_ev(ev) for ev in EVS]
        bracket = Bracket.from_frames(
            [read_frame(path, exposure=e) for path, e in zip(paths, exposures, strict=True)]
        )
        precisions = ["fp32"] if device == "cpu" else arguments.precisions.split(",")
        bench = Bench(arguments, device, bracket)
        peaks = {p: measure_peak(device=device, precision=p).flops for p in precisions}
        found: Row = {
            "machine": describe_machine(device),
            "size": list(bracket.size[::-1]),
            "model": arguments.model,
            "matrix_flops": peaks,
            "cases": [],
            "batches": [],
        }
        ways = arguments.ways.split(",")
        compiled = [way for way in ways if "compile" in way]
        # What is cheap and matters most comes first: a lent machine may not last to the end.
        for precision in precisions:
            for row in bench.network(precision, [w for w in ways if w not in compiled], peaks):
                _keep(found, "cases", row, arguments)
            for row in bench.transfers(precision):
                _keep(found, "cases", row, arguments)
        for align in arguments.align.split(","):
            for processes in map(int, arguments.processes.split(",")):
                row = measure_batch(arguments, device, paths, align=align, processes=processes)
                _keep(found, "batches", row, arguments)
        for precision in precisions:
            for row in bench.network(precision, compiled, peaks):
                _keep(found, "cases", row, arguments)
    print(tabulate(found))


def _keep(found: Row, part: str, row: Row, arguments: argparse.Namespace) -> None:
    found[part].append(row)
    print(row, file=sys.stderr, flush=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(found, indent=1), encoding="utf-8")
    if arguments.markdown:
        Path(arguments.markdown).write_text(tabulate(found), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="ahdrnet")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precisions", default="fp16")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--forms", default=",".join((*FORMS, *TRITON_FORMS)))
    parser.add_argument("--megapixels", type=float, default=1.5)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--sets", type=int, default=400, help="brackets in a batch")
    parser.add_argument("--align", default="off,auto", help="of a batch")
    parser.add_argument("--processes", default="1,4", help="that share a batch")
    parser.add_argument("--in-flight", type=int, help="of each; by default as ahdr batch chooses")
    parser.add_argument("--json", help="write the figures there")
    parser.add_argument("--markdown", help="write the tables there")
    return parser.parse_args()


class Bench:
    """One model and one bracket on one device."""

    def __init__(self, arguments: argparse.Namespace, device: str, bracket: Bracket) -> None:
        self.arguments = arguments
        self.device = device
        self.checkpoint = load_checkpoint(arguments.model)
        self.host = np.stack([frame.pixels for frame in bracket.frames])
        self.conditions = prepare(bracket, align=False, response="gamma").conditions
        self.frames = torch.from_numpy(self.host).to(device)
        self.device_conditions = torch.from_numpy(self.conditions).to(device)
        self.reference = self.oracle("fp32")(self.host, self.conditions)
        self.flops = 2.0 * macs_per_pixel(self.checkpoint.config) * self.reference[..., 0].size

    @property
    def cuda(self) -> bool:
        """Whether cases that need CUDA can be run."""
        return self.device.startswith("cuda")

    def oracle(self, precision: Precision) -> TorchRuntime:
        """The package's eager runtime."""
        return TorchRuntime(self.checkpoint.build(), device=self.device, precision=precision)

    def network(
        self, precision: Precision, ways: list[str], peaks: dict[str, float]
    ) -> Iterator[Row]:
        """The network alone, from tensors on the device to tensors on the device."""
        dense = isinstance(self.checkpoint.config, AHDRConfig)
        for form in self.arguments.forms.split(",") if dense else ("concatenated",):
            for way in ways:
                row = {"what": "network", "precision": precision, "form": form, "way": way}
                if form == "fused" and "compile" in way:
                    yield row | {"skipped": "torch cannot compile it"}
                    continue
                if form in TRITON_FORMS and way not in ("eager", "graph"):
                    continue  # cuDNN's search and torch's compiler have nothing to do with it
                if form in TRITON_FORMS and (obstacle := self._obstacle_to_triton(precision)):
                    yield row | {"skipped": obstacle}
                    continue
                if way != "eager" and not self.cuda:
                    yield row | {"skipped": "needs CUDA"}
                    continue
                row |= self._attempt(lambda f=form, w=way: self._network(precision, f, w))
                if "median" in row:
                    row["share"] = self.flops / row["median"] / peaks[precision]
                yield row

    def _network(self, precision: Precision, form: str, way: str) -> Row:
        module = self.checkpoint.build()
        TorchRuntime(module, device=self.device, precision=precision)  # places and rounds it
        if form in TRITON_FORMS:
            network = TRITON_FORMS[form](module)
        else:
            set_form(module, form)
            network = module
        if "compile" in way:
            # After some variants of one function torch gives up, and computes as usual.
            torch._dynamo.reset()
            network = torch.compile(module, dynamic=False)
        result = torch.empty_like(self.frames[0])

        @torch.inference_mode()
        def work() -> None:
            with cudnn_flags(tf32=precision != "fp32", search="search" in way):
                ldr = self.frames.permute(0, 3, 1, 2)[None]
                given = self.device_conditions
                x = to_network_input(ldr, given[None, :3], given[3:])
                result.copy_(network(x)[0].permute(1, 2, 0))

        run: Callable[[], object] = work
        if way.endswith("graph"):
            accelerator = CudaAccelerator(self.device)
            run = accelerator.capture(work, accelerator.queue())
        return self._timed(run) | self._agreement(result.cpu().numpy())

    def transfers(self, precision: Precision) -> Iterator[Row]:
        """From arrays on the host to arrays on the host, single and as a stream."""
        row = {"what": "with transfers", "precision": precision}
        yield row | {"way": "eager"} | self._attempt(lambda: self._single(self.oracle(precision)))
        for runtime in ("torch", "triton"):
            for way, measure in (("pipelined, single", self._single), ("stream", self._stream)):
                named = row | {"form": runtime, "way": way}
                obstacle = None if self.cuda else "needs CUDA"
                if runtime == "triton":
                    obstacle = self._obstacle_to_triton(precision)
                if obstacle:
                    yield named | {"skipped": obstacle}
                    continue
                yield named | self._attempt(
                    lambda m=measure, r=runtime: m(self._pipelined(r, precision))
                )

    def _pipelined(self, runtime: str, precision: Precision) -> PipelinedRuntime:
        found = open_runtime(self.checkpoint, name=runtime, device=self.device, precision=precision)
        assert isinstance(found, PipelinedRuntime)
        return found

    def _obstacle_to_triton(self, precision: Precision) -> str | None:
        """Why the Triton runtime does not compute this; None if it does."""
        config = self.checkpoint.config
        try:
            select_runtime("triton", device=self.device, precision=precision, config=config)
        except AhdrError as error:
            return str(error)
        return None

    def _single(self, runtime: TorchRuntime | PipelinedRuntime) -> Row:
        found = self._timed(lambda: runtime(self.host, self.conditions))
        return found | self._note(runtime) | self._agreement(runtime(self.host, self.conditions))

    def _stream(self, runtime: PipelinedRuntime) -> Row:
        """Seconds between results once the pipeline is full."""
        runs: list[float] = []
        count = WARM_UP + self.arguments.repeats
        with closing(runtime.merge_tiles(repeat(self.host, count), self.conditions)) as results:
            for _ in range(count):
                started = time.perf_counter()
                merged = next(results)
                runs.append(time.perf_counter() - started)
        return _summary(runs[WARM_UP:]) | self._note(runtime) | self._agreement(merged)

    def _note(self, runtime: TorchRuntime | PipelinedRuntime) -> Row:
        refusal = getattr(runtime, "refusal", None)
        return {"refusal": refusal} if refusal else {}

    def _attempt(self, measure: Callable[[], Row]) -> Row:
        """A case's figures, or why there are none; other cases go on."""
        try:
            if self.cuda:
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats(self.device)
            found = measure()
            if self.cuda:
                found["device_bytes"] = torch.cuda.max_memory_reserved(self.device)
        except Exception as error:
            return {"error": f"{type(error).__name__}: {str(error)[:200]}"}
        return found

    def _timed(self, work: Callable[[], object]) -> Row:
        runs = []
        for _ in range(WARM_UP + self.arguments.repeats):
            self._wait()
            started = time.perf_counter()
            work()
            self._wait()
            runs.append(time.perf_counter() - started)
        return _summary(runs[WARM_UP:])

    def _wait(self) -> None:
        if self.cuda:
            torch.cuda.synchronize(self.device)

    def _agreement(self, merged: np.ndarray) -> Row:
        if not np.isfinite(merged).all():
            raise FloatingPointError("the result is not finite")
        error = mu_law_compress(merged) - mu_law_compress(self.reference)
        power = float(np.mean(np.square(error, dtype=np.float64)))
        return {
            "psnr_mu": -10 * math.log10(power) if power > 0 else None,
            "largest": float(np.abs(merged - self.reference).max()),
        }


def _summary(runs: list[float]) -> Row:
    return {"median": statistics.median(runs), "least": min(runs), "most": max(runs), "runs": runs}


if __name__ == "__main__":
    main()
