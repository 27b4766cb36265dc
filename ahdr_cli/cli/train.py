"""`ahdr train`: train a network, watch it, go on with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ahdr_cli.cli.console import complain, guarded, note, print_json, warn
from ahdr_cli.cli.options import JsonOption, QuietOption
from ahdr_cli.cli.train_watch import Watch
from ahdr_cli.errors import UsageError
from ahdr_cli.training.preset import available_presets

if TYPE_CHECKING:
    import torch

    from ahdr_cli.training.batch import Engine
    from ahdr_cli.training.recipe import Recipe

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
    with Watch(quiet=quiet or as_json or not is_first_process()) as watch:

        def opener(
            sources: Sequence[str], *, seed: int, recipe: Recipe, device: torch.device
        ) -> Engine:
            try:
                with watch.reading() as on_scene:
                    return open_engine(
                        sources, seed=seed, recipe=recipe, device=device, on_scene=on_scene
                    )
            except KeyboardInterrupt as error:
                kept = "the run is as it was" if resume else "there is nothing to save yet"
                complain(f"interrupted while the data were read: {kept}")
                raise typer.Exit(130) from error

        result = run_session(
            opener,
            data=data,
            out=out,
            validation=validation or (),
            preset_or_path=config or preset,
            overrides=overrides or (),
            resume=resume,
            on_event=watch.on_event,
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
