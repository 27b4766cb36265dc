"""``--model auto`` on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ahdr_cli.cli.console import note

if TYPE_CHECKING:
    from ahdr_cli.merging import MergeOptions

__all__ = ["resolve_model"]


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
