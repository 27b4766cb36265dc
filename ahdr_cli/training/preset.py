"""Presets: the configurations that come with the package. Light, for help texts."""

from __future__ import annotations

from importlib import resources

__all__ = ["available_presets", "preset_text"]

_FOLDER = resources.files("ahdr_cli.training").joinpath("presets")


def available_presets() -> tuple[str, ...]:
    """Names of the shipped presets, sorted."""
    names = (item.name for item in _FOLDER.iterdir())
    return tuple(sorted(name[:-5] for name in names if name.endswith(".toml")))


def preset_text(name: str) -> str:
    """The TOML of a preset, one of :func:`available_presets`."""
    return _FOLDER.joinpath(f"{name}.toml").read_text(encoding="utf-8")
