"""`ahdr models`: list, show, verify, import, export and calibrate weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ahdr_cli.cli.console import guarded, note, print_json, progress, stdout
from ahdr_cli.cli.options import JsonOption, OverwriteOption, QuietOption
from ahdr_cli.errors import UsageError

if TYPE_CHECKING:
    from ahdr_cli.checkpoints import Checkpoint, ModelEntry

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="List, show, verify, import, export and calibrate models."
)

_NameArgument = Annotated[
    str, typer.Argument(metavar="NAME|PATH", help="Registered name or file.", show_default=False)
]


@app.command("list")
@guarded
def list_models(as_json: JsonOption = False) -> None:
    """List the models that this installation knows, with cost and validation scores (dB)."""
    from ahdr_cli.checkpoints import available_models
    from ahdr_cli.checkpoints.manifest import VALIDATION

    entries = available_models()
    if as_json:
        print_json({"models": [_entry_facts(entry) for entry in entries]})
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    columns = ("name", "size", "kMAC/px", "radius", "PSNR-μ", "PSNR-L", "description")
    for heading in columns:
        table.add_column(heading, justify="left" if heading in columns[::6] else "right")
    for entry in entries:
        scores = entry.scores.get(VALIDATION, {})
        table.add_row(
            f"{entry.name} (default)" if entry.default else entry.name,
            f"{entry.bytes / 1e6:.1f} MB",
            "" if entry.macs_per_pixel is None else f"{entry.macs_per_pixel / 1000:.0f}",
            "" if entry.receptive_radius is None else f"{entry.receptive_radius} px",
            *(f"{scores[key]:.2f}" if key in scores else "" for key in ("psnr_mu", "psnr_l")),
            entry.description,
        )
    stdout().print(table)


@app.command("show")
@guarded
def show(name: _NameArgument, as_json: JsonOption = False) -> None:
    """Show a model's configuration, cost and provenance."""
    from ahdr_cli.checkpoints import load_checkpoint
    from ahdr_cli.cli.streams import visible

    facts = _checkpoint_facts(load_checkpoint(name))
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        if isinstance(value, dict):
            stdout().print(f"{key}:", markup=False)
            for inner, text in value.items():
                stdout().print(visible(f"  {inner:<16} {text}"), markup=False)
        else:
            stdout().print(visible(f"{key:<18} {value}"), markup=False)


@app.command("verify")
@guarded
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME|PATH]...", help="Default: all registered.", show_default=False
        ),
    ] = None,
) -> None:
    """Check weights against their SHA-256, their header and their configuration.

    Nobody states the SHA-256 of a file that is not registered; it is shown.
    """
    from ahdr_cli.checkpoints import available_models, find_model, load_checkpoint, verify_model
    from ahdr_cli.cli.streams import visible

    registered = [entry.name for entry in available_models()]
    for name in names or registered:
        if name not in registered and Path(name).is_file():
            checkpoint = load_checkpoint(name)
            checkpoint.build()
            sha256 = checkpoint.sha256
        else:
            entry = find_model(name)
            verify_model(entry)
            sha256 = entry.sha256
        stdout().print(visible(f"{name}: ok, sha256 {sha256}"), markup=False)


@app.command("import")
@guarded
def import_model(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="The authors' .pt layout, or a .safetensors file.",
            readable=False,
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="The .safetensors to write.")
    ],
    overwrite: OverwriteOption = False,
) -> None:
    """Convert a foreign checkpoint to a self-describing .safetensors file."""
    from ahdr_cli.checkpoints import import_checkpoint
    from ahdr_cli.io.atomic import check_output

    check_output(output, overwrite=overwrite, suffixes={".safetensors"})
    checkpoint = import_checkpoint(source, output, overwrite=overwrite)
    note(f"wrote {output}, sha256 {checkpoint.sha256}")


@app.command("export")
@guarded
def export_model(
    name: _NameArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="The .onnx to write.")
    ],
    precision: Annotated[
        str, typer.Option("--precision", metavar="fp32|int8", help="Of the arithmetic.")
    ] = "fp32",
    overwrite: OverwriteOption = False,
) -> None:
    """Write a model as ONNX, for other programs: aligned frames in, radiance out."""
    from ahdr_cli.checkpoints import load_checkpoint
    from ahdr_cli.export import ONNX_SUFFIXES, export_onnx
    from ahdr_cli.io.atomic import check_output

    if precision not in ("fp32", "int8"):
        raise UsageError(f"precision must be fp32 or int8, got {precision!r}")
    check_output(output, overwrite=overwrite, suffixes=ONNX_SUFFIXES)
    export_onnx(load_checkpoint(name), output, int8=precision == "int8", overwrite=overwrite)
    note(f"wrote {output}")


@app.command("calibrate")
@guarded
def calibrate_model(
    name: _NameArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="The .safetensors to write.")
    ],
    data: Annotated[
        list[str],
        typer.Option(
            "--data", metavar="KIND:PATH[=WEIGHT]", help="As for `ahdr train`, may be repeated."
        ),
    ],
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", min=4, help="Training brackets to look at.")
    ] = 64,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
) -> None:
    """Add what --precision int8 needs to a model: the range of each activation."""
    from ahdr_cli.checkpoints import load_checkpoint, save_checkpoint
    from ahdr_cli.io.atomic import check_output
    from ahdr_cli.training.calibration import CALIBRATION_SEED, calibrate
    from ahdr_cli.training.recipe import Recipe
    from ahdr_cli.training.sources import open_engine

    check_output(output, overwrite=overwrite, suffixes={".safetensors"})
    checkpoint = load_checkpoint(name)
    with progress("reading", quiet=quiet) as on_scene:
        engine = open_engine(
            data, seed=CALIBRATION_SEED, recipe=Recipe(), device="cpu", on_scene=on_scene
        )
    with progress("calibrating", quiet=quiet) as on_sample:
        found = calibrate(checkpoint, engine, samples=samples, on_sample=on_sample)
    sha256 = save_checkpoint(
        output,
        config=checkpoint.config,
        state_dict=checkpoint.state_dict,
        provenance={
            **checkpoint.provenance,
            "calibration": f"{found.rule} of activations on {samples} training brackets",
        },
        spacing_ev=checkpoint.spacing_ev,
        bounds=found.bounds,
        overwrite=overwrite,
    )
    if not quiet:
        scores = ", ".join(f"{rule} {value:.2f}" for rule, value in found.psnr_mu.items())
        note(f"PSNR-μ on training brackets (dB): {scores}")
        note(f"wrote {output} ({found.rule}), sha256 {sha256}")


def _entry_facts(entry: ModelEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "default": entry.default,
        "description": entry.description,
        "path": str(entry.path),
        "bytes": entry.bytes,
        "sha256": entry.sha256,
        "macs_per_pixel": entry.macs_per_pixel,
        "receptive_radius": entry.receptive_radius,
        "scores": {name: dict(values) for name, values in entry.scores.items()},
    }


def _checkpoint_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    from ahdr_cli.networks.cost import macs_per_pixel, parameter_count
    from ahdr_cli.networks.receptive import receptive_radius

    config = checkpoint.config
    return {
        "name": checkpoint.name,
        "architecture": checkpoint.architecture,
        "sha256": checkpoint.sha256,
        "parameters": parameter_count(config),
        "macs_per_pixel": macs_per_pixel(config),
        "receptive_radius": receptive_radius(config),
        "spacing_ev": list(checkpoint.spacing_ev),
        "int8": "calibrated" if checkpoint.bounds else "not calibrated",
        "config": config.to_dict(),
        "provenance": dict(checkpoint.provenance),
    }
