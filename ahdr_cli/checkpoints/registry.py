"""Which models this installation knows, by name.

Weights lie in the package's own ``weights`` folder when installed from a wheel, beside the
package in a checkout, and in the folder that the environment variable ``AHDR_WEIGHTS_DIR``
adds. Models of the added folder come first and hide shipped ones of the same name.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from ahdr_cli.checkpoints.manifest import MANIFEST_NAME, ModelEntry, read_manifest
from ahdr_cli.errors import ModelError, UnknownModelError

__all__ = ["WEIGHTS_DIR_VARIABLE", "available_models", "default_model", "find_model"]

WEIGHTS_DIR_VARIABLE = "AHDR_WEIGHTS_DIR"
_AUTO = "auto"  # of which `ahdr_cli.inference.choice` makes a name, above this layer
_PACKAGE = Path(__file__).resolve().parents[1]


def available_models() -> tuple[ModelEntry, ...]:
    """All registered models, those of ``AHDR_WEIGHTS_DIR`` first.

    Raises:
        ModelError: a manifest is missing where one was promised, unreadable or ill-formed.
    """
    models: dict[str, ModelEntry] = {}
    for folder in _weights_folders():
        for entry in read_manifest(folder / MANIFEST_NAME):
            models.setdefault(entry.name, entry)
    return tuple(models.values())


def default_model() -> ModelEntry:
    """The model that is used when none is named.

    Raises:
        UnknownModelError: no manifest names a default.
    """
    for entry in available_models():
        if entry.default:
            return entry
    raise UnknownModelError(
        "no weights were found with this installation",
        hint=f"reinstall ahdr, or set {WEIGHTS_DIR_VARIABLE} to a folder with a {MANIFEST_NAME}",
    )


def find_model(name: str) -> ModelEntry:
    """The registered model of that name.

    Raises:
        UnknownModelError: there is none; the message lists what there is.
    """
    models = {entry.name: entry for entry in available_models()}
    if name in models:
        return models[name]
    if name == _AUTO:
        raise UnknownModelError(
            "which model auto means depends on the picture and the machine: only `ahdr merge`, "
            "`batch` and `bench` know",
            hint=f"name one: {', '.join(models) or 'there are none'}; `ahdr merge -v` says which "
            "it took",
        )
    close = difflib.get_close_matches(name, models, n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    raise UnknownModelError(
        f"no model {name!r}: neither a registered name ({', '.join(models) or 'there are none'}) "
        "nor a file",
        hint=f"{guess}see `ahdr models list`",
    )


def _weights_folders() -> list[Path]:
    folders = []
    added = os.environ.get(WEIGHTS_DIR_VARIABLE)
    if added:
        if not (Path(added) / MANIFEST_NAME).is_file():
            raise ModelError(
                f"no {MANIFEST_NAME} in this folder",
                path=added,
                hint=f"{WEIGHTS_DIR_VARIABLE} must name a folder with one, or be unset",
            )
        folders.append(Path(added))
    for shipped in (_PACKAGE / "weights", _PACKAGE.parent / "weights"):
        if (shipped / MANIFEST_NAME).is_file():
            folders.append(shipped)
            break
    return folders
