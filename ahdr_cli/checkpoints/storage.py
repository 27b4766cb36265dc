"""Checkpoints from and to disk, verified on the way in and atomic on the way out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy

from ahdr_cli.bracket.spacing import TRAINED_SPACING_EV
from ahdr_cli.checkpoints.architectures import ARCHITECTURES, architecture_of
from ahdr_cli.checkpoints.checkpoint import Checkpoint
from ahdr_cli.checkpoints.container import looks_like_safetensors, parse_metadata, reproducible
from ahdr_cli.checkpoints.header import CheckpointHeader, read_header
from ahdr_cli.checkpoints.manifest import ModelEntry
from ahdr_cli.checkpoints.registry import available_models, find_model
from ahdr_cli.errors import CorruptWeightsError, ForeignCheckpointError, reason_of
from ahdr_cli.io.atomic import atomic_path
from ahdr_cli.networks.config import AnyConfig
from ahdr_cli.networks.cost import macs_per_pixel
from ahdr_cli.networks.receptive import receptive_radius

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["load_checkpoint", "save_checkpoint", "verify_model"]


def load_checkpoint(name_or_path: str | Path) -> Checkpoint:
    """A registered model, or a checkpoint file of ours.

    A string that is a registered name means that model, even if a file has the same name;
    ``./ahdrnet`` means the file. A registered model must have the size and SHA-256 that its
    manifest states.

    Raises:
        UnknownModelError: neither a registered name nor a file.
        CorruptWeightsError: not what the manifest or its own header promises.
        ForeignCheckpointError: a file of another layout.
    """
    if isinstance(name_or_path, str) and any(e.name == name_or_path for e in available_models()):
        return _load_registered(find_model(name_or_path))
    path = Path(name_or_path)
    if not path.is_file():
        return _load_registered(find_model(str(name_or_path)))  # raises, with suggestions
    if not looks_like_safetensors(path):
        raise ForeignCheckpointError(
            "not a safetensors file",
            path=path,
            hint="convert a .pt file with `ahdr models import`",
        )
    read_header(path)  # refuse a large file of somebody else's before reading all of it
    return _load_file(path, name=path.name)


def save_checkpoint(
    path: str | Path,
    *,
    config: AnyConfig,
    state_dict: Mapping[str, Tensor],
    provenance: Mapping[str, str],
    spacing_ev: tuple[float, float] = TRAINED_SPACING_EV,
    bounds: Mapping[str, float] = MappingProxyType({}),
    overwrite: bool = False,
) -> str:
    """Write weights as one self-describing file, atomically.

    Equal contents give equal bytes, whatever the device they came from.

    Args:
        path: of the file, customarily ``.safetensors``.
        config: of the network; its class decides the architecture.
        state_dict: must fit `config` exactly; stored as float32.
        provenance: where the weights came from, as text by key.
        spacing_ev: exposure spacing covered by training, in EV.
        bounds: of the activations, as :class:`Checkpoint` has them.
        overwrite: replace an existing file.

    Returns:
        SHA-256 of the file.

    Raises:
        CorruptWeightsError: the tensors or the bounds do not fit `config`.
        OutputExistsError: the file is there and `overwrite` is false.
        OutputError: it cannot be written.
    """
    path = Path(path)
    header = CheckpointHeader(
        architecture=architecture_of(config),
        config=config.to_dict(),
        provenance=provenance,
        spacing_ev=spacing_ev,
        bounds=bounds,
    )
    # safetensors writes memory as it lies, and so would write a transposed view wrongly.
    weights = {
        key: np.array(tensor.detach().float().cpu().numpy(), order="C")
        for key, tensor in state_dict.items()
    }
    data = reproducible(safetensors_numpy.save(weights), metadata=header.to_metadata())
    sha256 = hashlib.sha256(data).hexdigest()
    _decode(data, path=path, name=path.name, sha256=sha256)  # raises what a reader would raise
    with atomic_path(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(data)
    return sha256


def verify_model(entry: ModelEntry) -> Checkpoint:
    """Check everything that can be checked of a registered model, and return it.

    Size, SHA-256, header, agreement of header and manifest, that the tensors fit the
    configuration and are finite, and that the network costs and sees what is stated.

    Raises:
        CorruptWeightsError: with what is wrong.
    """
    checkpoint = _load_registered(entry)
    if checkpoint.spacing_ev != entry.spacing_ev:
        raise CorruptWeightsError(
            f"the header says spacing_ev {checkpoint.spacing_ev}, the manifest {entry.spacing_ev}",
            path=entry.path,
        )
    for key, stated, found in (
        ("macs_per_pixel", entry.macs_per_pixel, macs_per_pixel(checkpoint.config)),
        ("receptive_radius", entry.receptive_radius, receptive_radius(checkpoint.config)),
    ):
        if stated not in (None, found):
            raise CorruptWeightsError(
                f"the network has {key} {found}, the manifest says {stated}", path=entry.path
            )
    for key, array in checkpoint.weights.items():
        if not np.isfinite(array).all():
            raise CorruptWeightsError(f"{key} holds NaN or infinity", path=entry.path)
    return checkpoint


def _load_registered(entry: ModelEntry) -> Checkpoint:
    hint = "reinstall ahdr, or correct the manifest if you changed the weights on purpose"
    if not entry.path.is_file():
        raise CorruptWeightsError("the weights file is missing", path=entry.path, hint=hint)
    found = entry.path.stat().st_size
    if found != entry.bytes:
        raise CorruptWeightsError(
            f"{found} bytes, the manifest says {entry.bytes}", path=entry.path, hint=hint
        )
    return _load_file(entry.path, name=entry.name, sha256=entry.sha256, hint=hint)


def _load_file(
    path: Path, *, name: str, sha256: str | None = None, hint: str | None = None
) -> Checkpoint:
    """Load a file, read once so that the bytes that are hashed are the bytes that are used."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptWeightsError(f"cannot be read: {reason_of(error)}", path=path) from error
    actual = hashlib.sha256(data).hexdigest()
    if sha256 is not None and actual != sha256:
        raise CorruptWeightsError(
            f"SHA-256 is {actual[:16]}…, the manifest says {sha256[:16]}…", path=path, hint=hint
        )
    return _decode(data, path=path, name=name, sha256=actual)


def _decode(data: bytes, *, path: Path, name: str, sha256: str) -> Checkpoint:
    header = CheckpointHeader.from_metadata(parse_metadata(BytesIO(data), path=path), path=path)
    family = ARCHITECTURES.get(header.architecture)
    if family is None:
        raise ForeignCheckpointError(
            f"architecture {header.architecture!r}, expected one of {', '.join(ARCHITECTURES)}",
            path=path,
            hint="it may need a newer ahdr",
        )
    try:
        config = family(**header.config)
    except (TypeError, ValueError) as error:
        raise CorruptWeightsError(f"the header's configuration: {error}", path=path) from error
    try:
        weights = safetensors_numpy.load(data)
    except SafetensorError as error:
        raise CorruptWeightsError(f"damaged: {error}", path=path) from error
    except KeyError as error:  # the name of a type that numpy lacks
        raise CorruptWeightsError(
            f"holds numbers of type {error.args[0]}, expected F32", path=path
        ) from error
    for array in weights.values():
        array.flags.writeable = False  # networks and graphs share them
    return Checkpoint(
        name=name,
        config=config,
        weights=MappingProxyType(weights),
        sha256=sha256,
        provenance=header.provenance,
        spacing_ev=header.spacing_ev,
        bounds=header.bounds,
    )
