"""The paper's ablation under one small, equal budget.

    python benchmarks/ablation/run.py --data hdr:TRAIN --score synth:SET --out FOLDER

Trains the six networks of Yan et al. (2019), section 4.3, from the same seeds, on the very same
samples, with the same schedule, and scores them on the same scenes. Equal is what the network
sees, not how long that takes: the time is in the table. The budget is far below what the
networks need to converge, so the table says what each part is worth *early*; it is printed with
the table. A network that is done is not trained again, so an interrupted run can go on.
"""

from __future__ import annotations

import argparse
import functools
import json
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.evaluation.datasets import open_dataset
from ahdr_cli.evaluation.evaluate import evaluate
from ahdr_cli.evaluation.measures import select_measures
from ahdr_cli.evaluation.methods import BASELINES, Method, model_method
from ahdr_cli.evaluation.results import Evaluation
from ahdr_cli.merging import MergeOptions, Merger
from ahdr_cli.networks.cost import macs_per_pixel, parameter_count
from ahdr_cli.networks.variants import VARIANTS
from ahdr_cli.training.batch import Engine
from ahdr_cli.training.loop import LAST_NAME
from ahdr_cli.training.recipe import Recipe
from ahdr_cli.training.session import run_session
from ahdr_cli.training.sources import open_engine

METRICS = "psnr-mu,psnr-l,ssim-mu,ssim-l"
CAUSES = ("clipped, moving", "clipped, static", "moving", "well exposed")
RESULT = "results.json"


def main() -> None:
    """Train what is missing, score everything, write RESULT and print the table."""
    options = _parser().parse_args()
    budget = {
        "steps": options.steps,
        "batch": options.batch,
        "patch": options.patch,
        "lr": options.lr,
        "ema": average_decay(options.steps),
        "preset": options.preset,
        "set": options.set,
        "features": options.features,
        "growth": options.growth,
        "data": [_short(source) for source in options.data],
    }
    seeds = options.seed or [0]
    # All networks of one seed before the next seed: what is there after an hour is comparable.
    runs = {
        run_name(name, seed): train(name, seed, budget, options)
        for seed in seeds
        for name in VARIANTS
    }
    found = score(list(runs), options)
    result = {
        "budget": budget,
        "seeds": seeds,
        "score": [_short(source) for source in options.score],
        "machine": machine(),
        "runs": runs,
        "scores": found.to_dict(),
    }
    (options.out / RESULT).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(result))


def run_name(variant: str, seed: int) -> str:
    """Also the folder below `--out`."""
    return f"{variant}-seed{seed}"


def average_decay(steps: int) -> float:
    """Decay of the average of the weights: over the last twentieth of the run, about."""
    return round(1 - 1 / max(10, steps / 20), 4)


def open_once(sources: Sequence[str], *, seed: int, recipe: Recipe, device: torch.device) -> Engine:
    """`open_engine`, but the networks of one seed share the engine: it is a pure function."""
    return _engine(tuple(sources), seed, recipe, device)


@functools.lru_cache(maxsize=1)
def _engine(sources: tuple[str, ...], seed: int, recipe: Recipe, device: torch.device) -> Engine:
    return open_engine(sources, seed=seed, recipe=recipe, device=device)


def train(
    variant: str, seed: int, budget: dict[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    """Train one variant, unless that was done with the same budget; what it cost."""
    folder = options.out / run_name(variant, seed)
    done = folder / "done.json"
    if done.is_file():
        record: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        if record["budget"] != budget:
            raise SystemExit(f"{folder} holds a run with another budget; choose another --out")
        return record
    overrides = [
        f"model.variant={variant}",
        f"stages=[{{patch={budget['patch']}, batch={budget['batch']}}}]",
        f"schedule.steps={budget['steps']}",
        f"schedule.warmup_steps={min(100, budget['steps'] // 10)}",
        f"optimiser.lr={budget['lr']}",
        f"ema.decay={budget['ema']}",
        f"seed={seed}",
        *([f"model.features={budget['features']}"] if budget["features"] else []),
        *([f"model.growth={budget['growth']}"] if budget["growth"] else []),
        *options.set,
    ]
    resume = (folder / "state.pt").is_file()
    print(f"{folder.name}: {'going on' if resume else 'training'}", flush=True)
    outcome = run_session(
        open_once,
        data=options.data,
        out=folder,
        preset_or_path=None if resume else options.preset,
        overrides=() if resume else overrides,
        resume=resume,
    )
    if outcome.reason != "finished":
        raise SystemExit("stopped; the same command goes on")
    config = load_checkpoint(folder / LAST_NAME).config
    record = {
        "variant": variant,
        "seed": seed,
        "budget": budget,
        "seconds": round(outcome.seconds, 1),
        "parameters": parameter_count(config),
        "macs_per_pixel": macs_per_pixel(config),
    }
    done.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def score(names: Sequence[str], options: argparse.Namespace) -> Evaluation:
    """All runs and what one could use without a network; frames as they are, as in the paper."""
    alone = MergeOptions(align="off")
    methods: list[Method] = [
        model_method(Merger.open(str(options.out / name / LAST_NAME), options=alone), name=name)
        for name in names
    ]
    methods += [BASELINES["reference"], BASELINES["triangle"]]
    datasets = [open_dataset(source, limit=options.limit) for source in options.score]
    return evaluate(datasets, methods, select_measures(METRICS))


def table(result: dict[str, Any]) -> str:
    """Markdown, with the budget above it; means over the seeds, ± half their range."""
    budget, scores = result["budget"], result["scores"]
    columns = ["network", "parameters", "kMAC/px", "minutes", *scores["measures"].values()]
    columns += [f"{name} dB" for name in CAUSES]
    width = "as published"
    if budget["features"] or budget["growth"]:
        width = f"features {budget['features'] or 64}, growth {budget['growth'] or 32}"
    seeds = ", ".join(str(seed) for seed in result["seeds"])
    lines = [
        f"{budget['steps']} steps of {budget['batch']} patches of {budget['patch']}², "
        f"Adam {budget['lr']:g} with cosine, weights averaged with {budget['ema']:g}, preset "
        f"`{budget['preset']}`, width: {width}, seeds {seeds}; trained on "
        f"{', '.join(budget['data'])}, scored on {', '.join(result['score'])} "
        f"({len({s['scene'] for s in scores['scenes']})} scenes); {result['machine']}.",
        "",
        "| " + " | ".join(columns) + " |",
        "|---" + "|---:" * (len(columns) - 1) + "|",
    ]
    variants: dict[str, list[str]] = {}
    for name in scores["methods"]:
        run = result["runs"].get(name)
        variants.setdefault(run["variant"] if run else name, []).append(name)
    for variant, names in variants.items():
        runs = [result["runs"][name] for name in names if name in result["runs"]]
        methods = [scores["methods"][name] for name in names]
        cost = ("–", "–", "–")
        if runs:
            minutes = sum(run["seconds"] for run in runs) / len(runs) / 60
            cost = (
                f"{runs[0]['parameters']:,}",
                f"{runs[0]['macs_per_pixel'] / 1000:.0f}",
                f"{minutes:.1f}",
            )
        means = [
            _spread([method["mean"][key] for method in methods], 4 if "ssim" in key else 2)
            for key in scores["measures"]
        ]
        causes = [
            _spread([method["causes"][cause]["psnr_mu"] for method in methods], 2)
            for cause in CAUSES
        ]
        lines.append("| " + " | ".join((variant, *cost, *means, *causes)) + " |")
    return "\n".join(lines)


def machine() -> str:
    """Where it ran, without the machine's name."""
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    count = torch.get_num_threads()
    return (
        f"{count} CPU thread{'s' * (count > 1)} ({platform.machine()}), torch {torch.__version__}"
    )


def _spread(values: Sequence[float | None], decimals: int) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    mean = f"{sum(known) / len(known):.{decimals}f}"
    if len(known) == 1:
        return mean
    return f"{mean} ± {(max(known) - min(known)) / 2:.{decimals}f}"


def _short(source: str) -> str:
    """``hdr:/some/where/maps`` → ``hdr:maps``."""
    kind, _, path = source.rpartition(":")
    return f"{kind}:{Path(path).name}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", action="append", required=True, help="as for `ahdr train`")
    parser.add_argument("--score", action="append", required=True, help="as for `ahdr eval --data`")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--preset", default="release")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--seed", type=int, action="append", help="repeatable; default 0")
    parser.add_argument("--features", type=int, help="channels of the trunk instead of 64")
    parser.add_argument("--growth", type=int, help="channels of a dense layer instead of 32")
    parser.add_argument("--limit", type=int, help="score on the first N scenes only")
    parser.add_argument("--set", action="append", default=[], help="as for `ahdr train`")
    return parser


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"\n{(time.perf_counter() - started) / 60:.1f} minutes in all")
