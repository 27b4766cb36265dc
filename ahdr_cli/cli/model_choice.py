"""``--model auto`` on the command line."""

from __future__ import annotations

from ahdr_cli.cli.console import note

__all__ = ["resolve_model"]


def resolve_model(model: str, *, device: str, pixels: int, quiet: bool) -> str:
    """A name or path as it is, `auto` as the name of what is chosen.

    Says so if something better was passed over.

    Args:
        model: as the user gave it.
        device: as the user gave it.
        pixels: of one frame.
        quiet: say nothing.

    Raises:
        DeviceError: there is no such device.
        ModelError: no model is registered.
    """
    from ahdr_cli.inference.choice import AUTO, choose_model
    from ahdr_cli.inference.devices import select_device

    if model != AUTO:
        return model
    choice = choose_model(device=select_device(device), pixels=pixels)
    if choice.compromise and not quiet:
        note(f"model {choice.name}: {choice.reason} (--model chooses)")
    return choice.name
