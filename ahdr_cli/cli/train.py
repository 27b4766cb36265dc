"""`ahdr train`: train a network, watch it, go on with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ahdr_cli.cli.console import guarded, note, print_json, shows_bars, stderr, warn
from ahdr_cli.cli.options import JsonOption, QuietOption
from ahdr_cli.errors import UsageError
from ahdr_cli.training.preset import available_presets

if TYPE_CHECKING:
    from ahdr_cli.training.events import Event, EventSink, Progress

__all__ = ["train"]


@guarded
def train(
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="KIND:PATH[=WEIGHT]",
            help="Training data: packed:, hdr:, photo: or kalantari:, may be repeated.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="The run's folder.")
    ] = Path("runs/latest"),
    validation: Annotated[
        list[str] | None,
        typer.Option(
            "--val", "--validation", metavar="KIND:PATH", help="Held-out data, may be repeated."
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset", metavar="NAME", help=f"{', '.join(available_presets())}. Default: release."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="A TOML file in their place.", readable=False
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a value: optimiser.lr=1e-4."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, exactly.")
    ] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train AHDRNet or one of the paper's variants.

    Runs on several GPUs or machines under `torchrun` or `accelerate launch`. SIGINT and SIGTERM
    save the run and stop it; --resume goes on from there.
    """
    if not data:
        raise UsageError("no training data", hint="name some with --data, such as --data hdr:DIR")
    if preset is not None and config is not None:
        raise UsageError("--preset and --config contradict each other", hint="give one of them")

    from ahdr_cli.training.distributed import is_first_process
    from ahdr_cli.training.overlap import overlap_warning
    from ahdr_cli.training.session import run_session
    from ahdr_cli.training.sources import open_engine

    doubt = overlap_warning(data, validation or ())
    if doubt is not None and is_first_process():
        warn(doubt)
    with _watch(quiet=quiet or as_json) as on_event:
        result = run_session(
            open_engine,
            data=data,
            out=out,
            validation=validation or (),
            preset_or_path=config or preset,
            overrides=overrides or (),
            resume=resume,
            on_event=on_event,
        )
    if as_json:
        print_json(
            {
                "reason": result.reason,
                "step": result.step,
                "seconds": round(result.seconds, 1),
                "best": result.best,
                "best_step": result.best_step,
                "weights": str(result.last),
            }
        )
    elif not quiet:
        note(f"{result.reason} after {result.step} steps; weights in {result.last.parent}")
        if result.reason == "stopped":
            note("go on with --resume, the same --out, --data and --val")
    if result.exit_code:
        raise typer.Exit(result.exit_code)


@contextmanager
def _watch(*, quiet: bool) -> Iterator[EventSink]:
    """A sink for the run's events: a bar on a terminal, lines elsewhere."""
    from ahdr_cli.training.events import Progress as Advanced
    from ahdr_cli.training.events import Validated

    if quiet:
        yield lambda event: None
        return

    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("step {task.fields[step]}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TextColumn("loss {task.fields[loss]:.4f}  {task.fields[rate]:.1f} images/s"),
        TextColumn("{task.fields[score]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=stderr(), disable=not shows_bars()) as bar:
        task = bar.add_task("", total=1.0, step=0, loss=float("nan"), rate=0.0, score="")

        def on_event(event: Event) -> None:
            if isinstance(event, Advanced):
                bar.update(
                    task,
                    completed=event.fraction,
                    step=event.step,
                    loss=event.loss,
                    rate=event.samples_per_second,
                )
                if not shows_bars():
                    note(_line(event))
            elif isinstance(event, Validated):
                score = f"PSNR-μ {event.psnr_mu:.2f}, PSNR-L {event.psnr_l:.2f} dB"
                bar.update(task, score=score)
                note(f"step {event.step}: {score}{' (best)' if event.best else ''}")

        yield on_event


def _line(event: Progress) -> str:
    left = "" if event.remaining is None else f", {event.remaining / 60:.0f} min left"
    return (
        f"step {event.step}: loss {event.loss:.4f}, lr {event.lr:.1e}, "
        f"{event.samples_per_second:.1f} images/s{left}"
    )
