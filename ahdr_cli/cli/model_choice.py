"""``--model auto`` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ahdr_cli.cli.console import note

if TYPE_CHECKING:
    from ahdr_cli.merging import MergeOptions

__all__ = ["check_model", "resolve_model"]


def check_model(model: str) -> None:
    """Refuse a model that is not there, before any work. Files are not looked into.

    Raises:
        UnknownModelError: neither a registered name nor a file.
        ModelError: a manifest is ill-formed.
    """
    from ahdr_cli.checkpoints.registry import find_model
    from ahdr_cli.inference.choice import AUTO

    if model != AUTO and not Path(model).is_file():
        find_model(model)


def resolve_model(model: str, options: MergeOptions, *, pixels: int, quiet: bool) -> str:
    """A name or path as it is, `auto` as the name of what is chosen.

    Says so if something better was passed over.

    Args:
        model: as the user gave it.
        options: how it is going to compute.
        pixels: of one frame.
        quiet: say nothing.

    Raises:
        UsageError: no such device, runtime or precision.
        DeviceError: it is not to be had here.
        ModelError: no model is registered.
    """
    from ahdr_cli.inference.choice import AUTO, choose_model
    from ahdr_cli.inference.devices import select_device

    if model != AUTO:
        return model
    choice = choose_model(
        device=select_device(options.device),
        pixels=pixels,
        runtime=options.runtime,
        precision=options.precision,
    )
    if choice.compromise and not quiet:
        note(f"model {choice.name}: {choice.reason} (--model chooses)")
    return choice.name
