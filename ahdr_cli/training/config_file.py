"""Training configurations from TOML files, presets and ``--set`` overrides.

Strict: an unknown key or a value of the wrong type is an error that names the key and, for a
misspelling, the nearest one that exists.
"""

from __future__ import annotations

import difflib
import math
import tomllib
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ahdr_cli.errors import UsageError
from ahdr_cli.training.config import TrainConfig
from ahdr_cli.training.preset import available_presets, preset_text

__all__ = ["build_config", "load_config", "override_config"]

_LARGEST = 1 << 20  # bytes of a configuration, which are a thousand times those of a long one


def load_config(preset_or_path: str | Path, *, overrides: Sequence[str] = ()) -> TrainConfig:
    """A preset by name, or a TOML file, with overrides applied.

    Args:
        preset_or_path: one of :func:`ahdr_cli.training.preset.available_presets`, or a file.
        overrides: ``table.key=value`` each, the value in TOML's syntax; a value that is no
            TOML is taken as text, and ``none`` as nothing. ``stages.0.patch=96`` reaches into
            a list.

    Raises:
        UsageError: no such preset or file, no valid TOML, an unknown key, a wrong value.
    """
    table = _read(preset_or_path)
    for override in overrides:
        _apply(table, override)
    return build_config(table)


def override_config(config: TrainConfig, overrides: Sequence[str]) -> TrainConfig:
    """A copy of `config` with `overrides` as in :func:`load_config`."""
    table = config.to_dict()
    for override in overrides:
        _apply(table, override)
    return build_config(table)


def build_config(table: Mapping[str, Any]) -> TrainConfig:
    """A configuration from nested plain values, as TOML or ``TrainConfig.to_dict`` give them.

    Raises:
        UsageError: an unknown key or a wrong value.
    """
    config = _dataclass(TrainConfig, table, key="")
    assert isinstance(config, TrainConfig)
    return config


def _read(preset_or_path: str | Path) -> dict[str, Any]:
    presets = available_presets()
    path = Path(preset_or_path)
    if str(preset_or_path) in presets:
        text = preset_text(str(preset_or_path))
    else:
        try:
            text = _text_of(path)
        except FileNotFoundError as error:
            raise UsageError(
                f"no preset or file {str(preset_or_path)!r}",
                hint=_suggestion(str(preset_or_path), presets),
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"configuration cannot be read: {error}", path=path) from error
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise UsageError(f"not valid TOML: {error}", path=path) from error


def _text_of(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise UsageError("configuration is no regular file", path=path)
    if path.stat().st_size > _LARGEST:
        raise UsageError(f"configuration has more than {_LARGEST} bytes", path=path)
    return path.read_text(encoding="utf-8")


def _apply(table: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    names = key.strip().split(".")
    if not separator or not all(names):
        raise UsageError(f"override {override!r} is not key=value", hint="as in optimiser.lr=1e-4")
    target: Any = table
    for name in names[:-1]:
        if isinstance(target, list):
            target = target[_position(name, target, key)]
        else:
            target = target.setdefault(name, {})
        if not isinstance(target, dict | list):
            raise UsageError(f"{key!r}: {name!r} is a value, not a table")
    if isinstance(target, list):
        target[_position(names[-1], target, key)] = _parse(text)
    else:
        target[names[-1]] = _parse(text)


def _position(name: str, values: Sequence[Any], key: str) -> int:
    if not name.isdecimal() or int(name) >= len(values):
        raise UsageError(f"{key!r}: {name!r} is not a position from 0 to {len(values) - 1}")
    return int(name)


def _parse(text: str) -> Any:  # noqa: ANN401 - whatever TOML can say
    """A TOML value; text that is none stands for itself, so that quotes may be left out."""
    text = text.strip()
    if text == "none":
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:  # no TOML, or a number of thousands of digits
        return text


def _dataclass(cls: Any, table: object, *, key: str) -> Any:  # noqa: ANN401 - as `cls` says
    if not isinstance(table, Mapping):
        raise UsageError(f"{key or 'configuration'} must be a table, got {table!r}")
    prefix = f"{key}." if key else ""
    hints = get_type_hints(cls)
    names = [field.name for field in fields(cls)]
    for name in table:
        if name not in names:
            raise UsageError(f"unknown key {prefix + str(name)!r}", hint=_suggestion(name, names))
    values = {name: _value(hints[name], value, key=prefix + name) for name, value in table.items()}
    try:
        return cls(**values)
    except TypeError as error:  # a field without a default is missing
        raise UsageError(f"{key}: {str(error).partition(' ')[2]}") from error


def _value(hint: Any, value: Any, *, key: str) -> Any:  # noqa: ANN401, PLR0911 - one return per kind of annotation
    if is_dataclass(hint):
        return _dataclass(hint, value, key=key)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise UsageError(f"{key} must be a list, got {value!r}")
        length = None if arguments[-1] is Ellipsis else len(arguments)
        if length not in (None, len(value)):
            raise UsageError(f"{key} must have {length} values, got {len(value)}")
        return tuple(_value(arguments[0], v, key=f"{key}.{i}") for i, v in enumerate(value))
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        (hint,) = (a for a in arguments if a is not types.NoneType)
        return _value(hint, value, key=key)
    if origin is Literal:
        if value not in arguments:
            raise UsageError(f"{key} must be one of {', '.join(arguments)}, got {value!r}")
        return value
    if hint is float and type(value) in (int, float):
        return _finite(value, key=key)
    if type(value) is not hint:
        raise UsageError(f"{key} must be {_NOUNS[hint]}, got {value!r}")
    return value


def _finite(value: float, *, key: str) -> float:
    try:
        number = float(value)
    except OverflowError:  # a whole number beyond any other
        number = math.inf
    if not math.isfinite(number):
        raise UsageError(f"{key} must be a finite number, got {value}")
    return number


_NOUNS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def _suggestion(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"one of {', '.join(names)}"
