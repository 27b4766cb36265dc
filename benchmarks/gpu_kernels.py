"""What the Triton runtime's kernels compile to, and what they should take: no GPU needed.

    python benchmarks/gpu_kernels.py                         # a 1500×1000 tile of ahdrnet
    python benchmarks/gpu_kernels.py --form wide --short     # the other variants

Needs the package, torch and triton. Every launch of a network is recorded on torch's meta device
and compiled for the H100 and H200; nothing is run. Times are counted, from the rates below, never
measured: for each launch the longest of tensor cores, second cache and memory, as if each of them
ran at its rate all the time and programs began and ended in no time.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import torch
import triton
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from ahdr_cli import load_checkpoint
from ahdr_cli.inference import triton_kernel
from ahdr_cli.inference.dense_steps import DENSE_FORMS, DenseForm
from ahdr_cli.inference.triton_body import TritonBody
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig

__all__ = ["Compiled", "Launch", "compile_launch", "record"]

MATRIX = 790e12
"""FLOP/s of tensor cores in 16 bits."""

CACHE = 5.5e12
"""Bytes/s from the second cache to the multiprocessors; assumed."""

MEMORY = 4e12
"""Bytes/s of an H200's memory that programs get."""

SHARED = 227 * 1024
"""Bytes of shared memory that a program may have on compute capability 9.0."""

_TYPES = {torch.float16: "*fp16", torch.bfloat16: "*bf16", torch.float32: "*fp32"}
_OPTIONS = ("num_warps", "num_stages", "maxnreg")


@dataclass(frozen=True, eq=False)
class Launch:
    """One launch of the kernel: the programs, and all arguments by name."""

    grid: tuple[int, int]
    arguments: dict[str, Any]

    @property
    def name(self) -> str:
        """Shape of the convolution."""
        a = self.arguments
        taps = f"{a['taps']}×{a['taps']}" + ("" if a["dilation"] == 1 else " dilated")
        blocks = f"{a['lines']}·128×{a['first']}" + (f"+{a['second']}" if a["second"] else "")
        epilogue = "" if a["combine"] == "none" else f", {a['combine']}"
        return f"{taps} {a['inputs']}→{a['outputs']}{epilogue} in {blocks}, {a['step']}"

    @property
    def pixels(self) -> int:
        """Of the picture."""
        return int(self.arguments["height"] * self.arguments["width"])

    def seconds(self) -> dict[str, float]:
        """Counted: what tensor cores, second cache and memory would take each, alone."""
        a = self.arguments
        programs, width = self.grid[0] * self.grid[1], a["first"] + a["second"]
        patches, taps = a["lines"] + a["taps"] - 1, a["taps"]
        patch = a["columns"] * a["dilation"]
        fetched = a["steps"] * a["step"] * (patches * patch + taps * width)
        products = a["steps"] * a["step"] * taps * a["lines"] * patch * width
        others = sum(a[name] is not None for name in ("target", "other", "copy"))
        moved = self.pixels * (a["inputs"] + others * a["outputs"])
        return {
            "tensor cores": 2 * programs * products / MATRIX,
            "second cache": 2 * (programs * fetched + self.pixels * others * a["outputs"]) / CACHE,
            "memory": 2 * moved / MEMORY,
        }


@dataclass(frozen=True)
class Compiled:
    """What a launch compiled to.

    Attributes:
        registers: of a thread.
        spilled: bytes of a thread that had no register.
        shared: bytes of shared memory of a program.
        ptx: the code.
    """

    registers: int
    spilled: int
    shared: int
    ptx: str


class _Recorder:
    """Stands in for the kernel."""

    def __init__(self, kernel: triton.JITFunction) -> None:
        self.launches: list[Launch] = []
        self._signature = signature(kernel.fn)

    def __getitem__(self, grid: tuple[int, int]) -> Callable[..., None]:
        def launch(*arguments: object, **named: object) -> None:
            options = {name: named.pop(name) for name in _OPTIONS}
            bound = self._signature.bind(*arguments, **named)
            self.launches.append(Launch(grid, bound.arguments | options))

        return launch


@contextmanager
def _recording() -> Iterator[list[Launch]]:
    kernel = triton_kernel.convolve
    recorder = _Recorder(kernel)
    triton_kernel.convolve = recorder
    try:
        yield recorder.launches
    finally:
        triton_kernel.convolve = kernel


def record(
    config: AHDRConfig,
    size: tuple[int, int],
    *,
    dtype: torch.dtype,
    form: DenseForm = "paired",
    tall: bool = True,
) -> list[Launch]:
    """All launches of a network for one tile (height, width), without computing anything."""
    with torch.device("meta"), torch.inference_mode(), _recording() as launches:
        network = AHDRNet(config).to(dtype)
        TritonBody(network, form=form, tall=tall)(torch.empty(1, 3, 7, *size))
    return launches


def compile_launch(launch: Launch, *, capability: int = 90) -> Compiled:
    """Compile for a GPU that need not be there."""
    kernel, types, constants, aligned = triton_kernel.convolve, {}, {}, {}
    for i, (name, parameter) in enumerate(signature(kernel.fn).parameters.items()):
        value = launch.arguments[name]
        if "constexpr" in str(parameter.annotation) or value is None:
            types[name], constants[name] = "constexpr", value
        elif isinstance(value, Tensor):
            types[name] = _TYPES[value.dtype]
            if value.storage_offset() * value.element_size() % 16 == 0:
                aligned[(i,)] = [["tt.divisibility", 16]]
        else:
            types[name] = "i32"
            if name.endswith("_stride") and value % 16 == 0:
                aligned[(i,)] = [["tt.divisibility", 16]]
    compiled = triton.compile(
        ASTSource(kernel, types, constants, aligned),
        target=GPUTarget("cuda", capability, 32),
        options={name: launch.arguments[name] for name in _OPTIONS},
    )
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        Path(file.name).write_bytes(compiled.asm["cubin"])
        command = [triton.knobs.nvidia.cuobjdump.path, "-res-usage", file.name]
        usage = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {name: int(value) for name, value in re.findall(r"(REG|STACK|LOCAL):(\d+)", usage)}
    return Compiled(
        registers=found["REG"],
        spilled=found["STACK"] + found["LOCAL"],
        shared=compiled.metadata.shared,
        ptx=compiled.asm["ptx"],
    )


def main() -> None:
    """Compile every kernel of a network, and add up what its launches should take."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="ahdrnet")
    parser.add_argument("--size", default="1000x1500", help="height and width of the tile")
    parser.add_argument("--form", default=DENSE_FORMS[0], choices=DENSE_FORMS)
    parser.add_argument("--short", action="store_true", help="lower stacks")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--capability", type=int, default=90)
    arguments = parser.parse_args()
    config = load_checkpoint(arguments.model).config
    assert isinstance(config, AHDRConfig)
    height, width = map(int, arguments.size.split("x"))
    launches = record(
        config,
        (height, width),
        dtype=torch.bfloat16 if arguments.bf16 else torch.float16,
        form=arguments.form,
        tall=not arguments.short,
    )
    counts = Counter(launch.name for launch in launches)
    kinds = {launch.name: launch for launch in launches}
    print("| kernel | launches | registers | spilled | shared | ms of tensor cores | L2 | memory |")
    print("| --- " * 8 + "|")
    for name, count in counts.items():
        compiled = compile_launch(kinds[name], capability=arguments.capability)
        times = [f"{1e3 * count * value:.2f}" for value in kinds[name].seconds().values()]
        sizes = f"{compiled.registers} | {compiled.spilled} | {compiled.shared // 1024} KiB"
        print(f"| {name} | {count} | {sizes} | {' | '.join(times)} |", flush=True)
    for resource in launches[0].seconds():
        print(f"{resource}: {1e3 * sum(each.seconds()[resource] for each in launches):.1f} ms")
    total = sum(max(each.seconds().values()) for each in launches)
    print(f"the longest of each launch: {1e3 * total:.1f} ms for {len(launches)} launches")


if __name__ == "__main__":
    main()
