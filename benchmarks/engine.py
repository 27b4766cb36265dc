"""How fast the bracket engine is, and what share of a training step it takes.

    python benchmarks/engine.py --data packed:shards --threads 2
    python benchmarks/engine.py --data packed:shards --device cuda --shapes 16x128,8x256

For every shape BATCHxPATCH the engine's part and the rest of the step (forward, backward, Adam)
take turns. On a CPU the times are processor time, which other work on the machine disturbs
less, and the rates are per second of it; on a GPU they are wall time. Without `--data`
the scenes are made up; their number does not matter to the speed. `step` 0 leaves the network
out. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from ahdr_cli.training.batch import Batch, Engine
from ahdr_cli.training.config import TrainConfig
from ahdr_cli.training.distributed import Processes
from ahdr_cli.training.initialisation import initial_network
from ahdr_cli.training.learner import Learner
from ahdr_cli.training.recipe import Recipe
from ahdr_cli.training.scenes import Scene, SceneStore
from ahdr_cli.training.settings import OptimiserSettings, ScheduleSettings, StageSettings
from ahdr_cli.training.sources import open_engine
from ahdr_cli.training.synthesis import SynthesisEngine


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", default=[], help="KIND:PATH[=WEIGHT]")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--shapes", default="4x64,8x128,4x256", help="BATCHxPATCH, …")
    parser.add_argument("--repeats", type=int, default=10, help="of the engine")
    parser.add_argument("--steps", type=int, default=2, help="whole steps; 0: engine only")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)

    device = torch.device(arguments.device)
    engine = _engine(arguments.data, device)
    learner = _learner(device) if arguments.steps else None
    kind = "processor" if device.type == "cpu" else "wall"
    print(f"{_machine(device)}, torch {torch.__version__}; {kind} time, medians.\n")
    print("| batch × patch | engine (ms) | samples/s | Mpx/s | step without it (ms) | share |")
    print("|---|---|---|---|---|---|")
    for shape in arguments.shapes.split(","):
        size, patch = (int(number) for number in shape.split("x"))
        made, trained = _measure(engine, learner, size, patch, arguments)
        samples = size / made
        row = [f"{size} × {patch}²", f"{1e3 * made:.1f}", f"{samples:.0f}"]
        row.append(f"{samples * patch * patch / 1e6:.2f}")
        row += [f"{1e3 * trained:.0f}", f"{made / (made + trained):.1%}"] if trained else ["", ""]
        print("| " + " | ".join(row) + " |")


def _measure(
    engine: Engine, learner: Learner | None, size: int, patch: int, arguments: argparse.Namespace
) -> tuple[float, float]:
    """Median seconds of the engine and of the rest of a step."""

    def make(first: int) -> Batch:
        return engine.batch(range(first, first + size), patch=patch)

    batch = make(0)
    made = [_seconds(engine.device, lambda k=k: make(k * size)) for k in range(arguments.repeats)]
    if learner is None:
        return statistics.median(made), 0.0
    learner.step(batch, lr=1e-6)
    steps = range(arguments.steps)
    trained = [_seconds(engine.device, lambda: learner.step(batch, lr=1e-6)) for _ in steps]
    return statistics.median(made), statistics.median(trained)


def _seconds(device: torch.device, work: Callable[[], object]) -> float:
    if device.type == "cpu":
        begin = time.process_time()
        work()
        return time.process_time() - begin
    torch.cuda.synchronize(device)
    begin = time.perf_counter()
    work()
    torch.cuda.synchronize(device)
    return time.perf_counter() - begin


def _engine(sources: list[str], device: torch.device) -> Engine:
    if sources:
        return open_engine(sources, seed=0, recipe=Recipe(), device=device)
    random = np.random.default_rng(0)
    tones = random.normal(0.0, 2.0, (8, 48, 128, 3)).repeat(8, 1).repeat(8, 2)
    scenes = [Scene(str(i), np.exp2(tone).astype(np.float32)) for i, tone in enumerate(tones)]
    return SynthesisEngine(SceneStore(scenes, device=device))


def _learner(device: torch.device) -> Learner:
    config = TrainConfig(
        stages=(StageSettings(patch=64, batch=4),),
        schedule=ScheduleSettings(steps=1),
        optimiser=OptimiserSettings(lr=1e-6),
    )
    net, _ = initial_network(config.network_config(), init="xavier", seed=0)
    return Learner(net, config=config, processes=Processes(device))


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()
