"""The paper's ablation under one small, equal budget.

    python benchmarks/ablation/run.py --data hdr:TRAIN --score synth:SET --out FOLDER

Trains the six networks of Yan et al. (2019), section 4.3, from the same seed, on the very same
samples, with the same schedule, and scores them on the same scenes. Equal is what the network
sees, not how long that takes: the time is in the table. The budget is far below what the
networks need to converge, so the table says what each part is worth *early*; it is printed with
the table. A network that is done is not trained again, so an interrupted run can go on.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import torch

from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.evaluation.datasets import open_dataset
from ahdr_cli.evaluation.evaluate import evaluate
from ahdr_cli.evaluation.measures import select_measures
from ahdr_cli.evaluation.methods import BASELINES, Method, model_method
from ahdr_cli.evaluation.results import Evaluation
from ahdr_cli.merging import Merger
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.cost import macs_per_pixel, parameter_count
from ahdr_cli.networks.variants import VARIANTS
from ahdr_cli.training.loop import LAST_NAME
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
        "seed": options.seed,
        "preset": options.preset,
        "data": [_short(source) for source in options.data],
        "score": [_short(source) for source in options.score],
        "features": options.features or "as published",
    }
    runs = {name: train(name, budget, options) for name in VARIANTS}
    found = score(options)
    result = {"budget": budget, "machine": machine(), "runs": runs, "scores": found.to_dict()}
    (options.out / RESULT).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(result))


def train(name: str, budget: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Train one variant, unless that was done with the same budget; what it cost."""
    folder = options.out / name
    done = folder / "done.json"
    if done.is_file():
        record: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        if record["budget"] != budget:
            raise SystemExit(f"{folder} holds a run with another budget; choose another --out")
        return record
    overrides = [
        f"model.variant={name}",
        f"stages=[{{patch={budget['patch']}, batch={budget['batch']}}}]",
        f"schedule.steps={budget['steps']}",
        f"schedule.warmup_steps={min(100, budget['steps'] // 10)}",
        f"optimiser.lr={budget['lr']}",
        f"seed={budget['seed']}",
        *([f"model.features={options.features}"] if options.features else []),
        *([f"model.growth={options.features // 2}"] if options.features else []),
        *options.set,
    ]
    resume = (folder / "state.pt").is_file()
    print(f"{name}: {'going on' if resume else 'training'} in {folder}", flush=True)
    outcome = run_session(
        open_engine,
        data=options.data,
        out=folder,
        preset_or_path=None if resume else options.preset,
        overrides=() if resume else overrides,
        resume=resume,
    )
    if outcome.reason != "finished":
        raise SystemExit("stopped; the same command goes on")
    network = load_checkpoint(folder / LAST_NAME).build()
    assert isinstance(network, AHDRNet)  # all variants are
    record = {
        "budget": budget,
        "seconds": round(outcome.seconds, 1),
        "parameters": parameter_count(network),
        "macs_per_pixel": macs_per_pixel(network),
    }
    done.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def score(options: argparse.Namespace) -> Evaluation:
    """All variants and what one could use without a network."""
    methods: list[Method] = [
        model_method(Merger.open(str(options.out / name / LAST_NAME)), name=name)
        for name in VARIANTS
    ]
    methods += [BASELINES["reference"], BASELINES["triangle"]]
    datasets = [open_dataset(source, limit=options.limit) for source in options.score]
    return evaluate(datasets, methods, select_measures(METRICS))


def table(result: dict[str, Any]) -> str:
    """Markdown, with the budget above it."""
    budget, scores = result["budget"], result["scores"]
    columns = ["network", "parameters", "kMAC/px", "minutes", *scores["measures"].values()]
    columns += [f"{name} dB" for name in CAUSES]
    lines = [
        f"{budget['steps']} steps of {budget['batch']} patches of {budget['patch']}², "
        f"Adam {budget['lr']:g} with cosine, preset `{budget['preset']}`, seed {budget['seed']}, "
        f"features: {budget['features']}; trained on {', '.join(budget['data'])}, scored on "
        f"{', '.join(budget['score'])} ({len({s['scene'] for s in scores['scenes']})} scenes); "
        f"{result['machine']}.",
        "",
        "| " + " | ".join(columns) + " |",
        "|---" + "|---:" * (len(columns) - 1) + "|",
    ]
    for name, method in scores["methods"].items():
        run = result["runs"].get(name)
        cost = ("–", "–", "–")
        if run is not None:
            cost = (
                f"{run['parameters']:,}",
                f"{run['macs_per_pixel'] / 1000:.0f}",
                f"{run['seconds'] / 60:.1f}",
            )
        means = [
            _number(method["mean"][key], 4 if "ssim" in key else 2) for key in scores["measures"]
        ]
        causes = [_number(method["causes"][cause]["psnr_mu"], 2) for cause in CAUSES]
        lines.append("| " + " | ".join((name, *cost, *means, *causes)) + " |")
    return "\n".join(lines)


def machine() -> str:
    """Where it ran, without the machine's name."""
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    return (
        f"{torch.get_num_threads()} CPU threads ({platform.machine()}), torch {torch.__version__}"
    )


def _number(value: float | None, decimals: int) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"


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
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--features", type=int, help="fewer channels, to try the script")
    parser.add_argument("--limit", type=int, help="score on the first N scenes only")
    parser.add_argument("--set", action="append", default=[], help="as for `ahdr train`")
    return parser


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"\n{(time.perf_counter() - started) / 60:.1f} minutes in all")
