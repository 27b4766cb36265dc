"""A tiny engine, and a program that trains on it: the tests run it as a process of its own.

Usage: toy.py OUT [--resume] [--die-at SAMPLE] [--set KEY=VALUE ...]
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional

from ahdr_cli.training.batch import Batch
from ahdr_cli.training.config import TrainConfig
from ahdr_cli.training.config_file import load_config
from ahdr_cli.training.distributed import join_processes
from ahdr_cli.training.loop import train
from ahdr_cli.training.run_state import load_state
from ahdr_cli.training.validation import held_out

SETTINGS = (
    "stages=[{patch=16, batch=4}]",
    "optimiser.lr=4e-3",
    "schedule.steps=60",
    "schedule.warmup_steps=5",
    "validation.every_steps=25",
    "checkpoint.every_steps=7",
    "logging.every_steps=4",
    "logging.tensorboard=off",
    "runtime.device=cpu",
    "runtime.threads=1",
)


class ToyEngine:
    """Smooth static scenes, 2 EV apart, without noise; sample `signal_at` raises a signal."""

    device = torch.device("cpu")

    def __init__(
        self, seed: int = 0, *, signal_at: int | None = None, number: int = signal.SIGTERM
    ) -> None:
        self.seed = seed
        self.signal_at = signal_at
        self.number = number
        self.patches: list[int] = []

    def batch(self, indices: Sequence[int], *, patch: int) -> Batch:
        self.patches.append(patch)
        if self.signal_at in indices:
            os.kill(os.getpid(), self.number)
        return Batch(
            *map(torch.stack, zip(*(self._sample(i, patch) for i in indices), strict=True))
        )

    def _sample(self, index: int, patch: int) -> tuple[torch.Tensor, ...]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        coarse = torch.rand(1, 3, 4, 4, generator=generator) ** 3
        target = functional.interpolate(coarse, size=(patch, patch), mode="bilinear")[0]
        ratios = torch.tensor([1.0, 4.0, 16.0])
        ldr = (target * ratios[:, None, None, None]).clamp(0.0, 1.0) ** (1 / 2.2)
        return ldr, ratios, target


def toy_config(*overrides: str) -> TrainConfig:
    return load_config("tiny", overrides=(*SETTINGS, *overrides))


def toy_validation() -> list[Batch]:
    return held_out(ToyEngine(seed=9), samples=4, patch=24, batch=2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--die-at", type=int)
    parser.add_argument("--set", nargs="*", default=[])
    arguments = parser.parse_args()
    processes = join_processes("cpu")
    train(
        toy_config(*arguments.set),
        ToyEngine(signal_at=arguments.die_at, number=signal.SIGKILL),
        out=arguments.out,
        validation=toy_validation(),
        resume=load_state(arguments.out) if arguments.resume else None,
        processes=processes,
    )
    processes.close()


if __name__ == "__main__":
    main()
