"""Records: the JSON file beside each result that says what it was made from.

``arch.exr`` has ``arch.exr.json``. It is written twice: before the result appears, in state
``writing``, so that a result found after a kill is known to be ours; and after, in state
``done``, with the result's own SHA-256. A set is skipped only if its record is ``done``, the
files it names are there with the contents it names, and inputs, model, options and version are
the same as now. Everything is compared by contents: dates and paths play no part.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ahdr_cli._version import __version__
from ahdr_cli.batch.options import BatchOptions
from ahdr_cli.errors import InputError, OutputError, reason_of

__all__ = [
    "Identity",
    "Record",
    "model_sha256",
    "preview_path",
    "read_record",
    "record_path",
    "sha256_of",
    "withdraw_record",
]

SCHEMA = 1
PREVIEW = "preview"
"""How the stem of a preview's name ends, after an underscore."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Everything that decides the contents of a result.

    Attributes:
        inputs: SHA-256 of the input files, in order.
        evs: exposures given by the user, or None.
        model: SHA-256 of the weights.
        options: of `BatchOptions.identity`.
        version: of ahdr.
    """

    inputs: tuple[str, ...]
    evs: tuple[float, ...] | None
    model: str
    options: Mapping[str, Any]
    version: str = __version__

    def to_dict(self) -> dict[str, Any]:
        """Plain values as ``json`` gives them back."""
        return {
            "inputs": list(self.inputs),
            "evs": None if self.evs is None else list(self.evs),
            "model": self.model,
            "options": dict(self.options),
            "version": self.version,
        }

    @classmethod
    def of(
        cls,
        inputs: Sequence[Path],
        *,
        evs: tuple[float, ...] | None,
        model: str,
        options: BatchOptions,
    ) -> Identity:
        """The identity of a set, for which its input files are read.

        Raises:
            InputError: one cannot be read.
        """
        hashes = []
        for path in inputs:
            try:
                if path.exists() and not path.is_file():  # a pipe would keep us waiting for ever
                    raise InputError("is not a regular file, expected an image file", path=path)
                hashes.append(sha256_of(path))
            except OSError as error:
                raise InputError(f"cannot be read: {reason_of(error)}", path=path) from error
        deciding = options.identity()
        if len(hashes) <= 3:
            del deciding["extend"]  # there is nothing to extend by
        return cls(inputs=tuple(hashes), evs=evs, model=model, options=deciding)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The contents of a record.

    Attributes:
        state: ``writing`` or ``done``.
        identity: as plain values.
        outputs: SHA-256 by name of each file in the record's folder that ahdr wrote: the result,
            its preview, or a preview that an earlier run has left.
        result: of `SetResult.to_record`.
    """

    state: str
    identity: Mapping[str, Any]
    outputs: Mapping[str, str]
    result: Mapping[str, Any]

    def write(self, output: Path, *, staging: Path) -> None:
        """Beside `output`, in one step.

        Args:
            output: the result that the record is of.
            staging: folder for unfinished files, on the same file system.

        Raises:
            OutputError: it cannot be written.
        """
        content = {
            "ahdr_record": SCHEMA,
            "state": self.state,
            "identity": self.identity,
            "outputs": self.outputs,
            "result": self.result,
        }
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        path = record_path(output)
        unfinished = staging / f"{secrets.token_hex(8)}.json"
        try:
            with unfinished.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())  # the contents before the name, lest power fail
            unfinished.replace(path)
        except OSError as error:
            raise OutputError(f"cannot be written: {reason_of(error)}", path=path) from error

    def vouches_for(self, output: Path, identity: Identity) -> bool:
        """Whether all files are there, unchanged, and made from the same inputs and options."""
        if self.state != "done" or self.identity != json.loads(json.dumps(identity.to_dict())):
            return False
        names = [output.name]
        if identity.options["preview"]:
            names.append(preview_path(output).name)
        try:
            return all(
                name in self.outputs and sha256_of(output.with_name(name)) == self.outputs[name]
                for name in names
            )
        except OSError:
            return False

    def covers(self, path: Path, output: Path) -> bool:
        """Whether a file is ours to replace: as we left it, or unfinished.

        Args:
            path: the result, or its preview.
            output: the result.
        """
        if self.state == "writing":
            options = self.identity.get("options")
            previewed = isinstance(options, dict) and bool(options.get("preview"))
            if path == output or previewed:
                return True
        try:
            # A folder or pipe is not read.
            return path.is_file() and sha256_of(path) == self.outputs.get(path.name)
        except OSError:
            return False


def record_path(output: Path) -> Path:
    """Where the record of a result is."""
    return output.with_name(f"{output.name}.json")


def preview_path(output: Path) -> Path:
    """Where the preview of a result is."""
    return output.with_name(f"{output.stem}_{PREVIEW}.png")


def read_record(output: Path) -> Record | None:
    """The record of a result; None if there is none that makes sense."""
    path = record_path(output)
    try:
        if not path.is_file():  # a pipe would keep us waiting for ever
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or content.get("ahdr_record") != SCHEMA:
        return None
    identity, outputs, result = (content.get(key) for key in ("identity", "outputs", "result"))
    if not (isinstance(identity, dict) and isinstance(outputs, dict) and isinstance(result, dict)):
        return None
    return Record(
        state=str(content.get("state")), identity=identity, outputs=outputs, result=result
    )


def withdraw_record(output: Path, previous: Record | None, *, staging: Path) -> None:
    """Undo the record of a set that failed before its result appeared.

    One in state ``writing`` allows the next run to replace whatever it finds, which by then may be
    the user's own.

    Args:
        output: the result that there should have been.
        previous: the record before; put back where it speaks for what is there.
        staging: as for `Record.write`.
    """
    # Best effort: the disk may be full, and the failure of the set is what is reported.
    with suppress(OSError, OutputError):
        if not any(os.path.lexists(path) for path in (output, preview_path(output))):
            record_path(output).unlink()
        elif previous is not None and previous.covers(output, output):
            previous.write(output, staging=staging)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's contents, in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def model_sha256(model: str) -> str:
    """SHA-256 of the weights that a name or path stands for, without loading them.

    Raises:
        UnknownModelError: neither a registered name nor a file that can be read.
    """
    from ahdr_cli.checkpoints.registry import available_models, find_model

    for entry in available_models():
        if entry.name == model:
            return entry.sha256
    try:
        if Path(model).is_file():  # a pipe or device could be read for ever
            return sha256_of(Path(model))
    except OSError:
        pass  # as good as absent
    return find_model(model).sha256  # raises, with suggestions
