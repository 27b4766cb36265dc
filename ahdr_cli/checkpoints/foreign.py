"""Checkpoints of others, by their key names and shapes; strict but for what is listed here.

One layout is known: that of the AHDRNet authors' release, 66 tensors, usually a ``.pt``. Its
sizes are inferred from the shapes. Two of its convolutions are never used by its network and
are dropped by name; every other tensor must be there, and nothing else may.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors_torch
from torch import Tensor

from ahdr_cli.bracket.spacing import TRAINED_SPACING_EV
from ahdr_cli.checkpoints.checkpoint import Checkpoint
from ahdr_cli.checkpoints.container import looks_like_safetensors, read_metadata
from ahdr_cli.checkpoints.header import FORMAT
from ahdr_cli.checkpoints.storage import load_checkpoint, save_checkpoint
from ahdr_cli.errors import ForeignCheckpointError
from ahdr_cli.io.silence import without_warnings
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.convolutions import parameter_shapes

__all__ = ["from_authors_layout", "import_checkpoint"]

_AUTHORS_MODULES = MappingProxyType(
    {
        "conv1": "encode",
        "att11": "attention_short.compare",
        "att12": "attention_short.gate",
        "att31": "attention_long.compare",
        "att32": "attention_long.gate",
        "conv2": "merge",
        "GFF_1x1": "fold",
        "GFF_3x3": "spread",
        "conv_up": "refine",
        "conv3": "output",
    }
)
_AUTHORS_UNUSED = frozenset({"attConv1", "attConv3"})
_AUTHORS_DENSE = re.compile(r"RDB([1-9][0-9]?)\.dense_layers\.(0|[1-9][0-9]?)\.conv")
_AUTHORS_FOLD = re.compile(r"RDB([1-9][0-9]?)\.conv_1x1")

_WRAPPERS = ("state_dict", "model_state_dict", "model", "params", "net", "network")
"""Keys under which training scripts put the weights beside optimizer states and the like."""

_PARALLEL_PREFIX = "module."
"""Left in the key names by `torch.nn.DataParallel`."""


def import_checkpoint(
    source: str | Path,
    destination: str | Path,
    *,
    provenance: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Checkpoint:
    """Convert a checkpoint into a file of ours.

    Args:
        source: the authors' layout as ``.pt`` or safetensors, or a file of ours, which is
            checked and rewritten. Its contents decide, not its name. Nothing in it is executed.
        destination: of the new file.
        provenance: what is known of the weights, as text by key; added to what a file of
            ours says of itself. File name and SHA-256 of the source are recorded besides.
        overwrite: replace an existing file.

    Returns:
        The new file's checkpoint.

    Raises:
        UnknownModelError: there is no such source.
        ForeignCheckpointError: its layout is not known, or not quite what it should be.
        CorruptWeightsError: a damaged file.
        OutputExistsError: the destination is there and `overwrite` is false.
        OutputError: it cannot be written.
    """
    source = Path(source)
    history: dict[str, str] = {}
    spacing_ev = TRAINED_SPACING_EV
    bounds: Mapping[str, float] = {}
    if looks_like_safetensors(source) and read_metadata(source).get("format") == FORMAT:
        ours = load_checkpoint(source)
        config, weights = ours.config, ours.state_dict
        history.update(ours.provenance)
        spacing_ev, bounds = ours.spacing_ev, ours.bounds
    else:
        config, weights = from_authors_layout(_read_tensors(source), path=source)
    history.update(provenance or {})
    history["imported_from"] = source.name
    with source.open("rb") as file:
        history["imported_sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    save_checkpoint(
        destination,
        config=config,
        state_dict=weights,
        provenance=history,
        spacing_ev=spacing_ev,
        bounds=bounds,
        overwrite=overwrite,
    )
    return load_checkpoint(Path(destination))


def from_authors_layout(
    tensors: Mapping[str, Tensor], *, path: Path
) -> tuple[AHDRConfig, dict[str, Tensor]]:
    """Configuration and weights under our names, from tensors under the authors' names.

    Args:
        tensors: by the authors' names.
        path: named in errors.

    Raises:
        ForeignCheckpointError: a tensor is missing, unknown, or of the wrong shape.
    """
    ours: dict[str, Tensor] = {}
    theirs: dict[str, str] = {}  # errors name tensors as the file does
    unknown = []
    for key, tensor in tensors.items():
        module, _, parameter = key.rpartition(".")
        if module in _AUTHORS_UNUSED:
            continue
        name = _our_module(module)
        if name is None:
            unknown.append(key)
        else:
            ours[f"{name}.{parameter}"] = tensor
            theirs[f"{name}.{parameter}"] = key
    # Before anything is inferred: a network of another kind should be called that.
    if "encode.weight" not in ours or "blocks.0.layers.0.weight" not in ours:
        raise ForeignCheckpointError(
            f"no layout that ahdr knows: {len(tensors)} tensors, among them {_some(tensors)}",
            path=path,
            hint="ahdr imports the AHDRNet authors' layout and its own",
        )
    config = _infer_config(ours)
    expected = dict(parameter_shapes(config))
    for what, keys in (
        ("unknown", unknown + sorted(theirs[key] for key in ours.keys() - expected.keys())),
        ("missing", sorted(_their_key(key) for key in expected.keys() - ours.keys())),
    ):
        if keys:
            raise ForeignCheckpointError(
                f"almost the authors' layout, but {what}: {_some(keys)}", path=path
            )
    for key, tensor in ours.items():
        if tensor.shape != expected[key]:
            raise ForeignCheckpointError(
                f"{theirs[key]} has shape {tuple(tensor.shape)}, expected {expected[key]}",
                path=path,
            )
        if not tensor.is_floating_point() or not torch.isfinite(tensor).all():
            raise ForeignCheckpointError(
                f"{theirs[key]} holds values that are no finite floats", path=path
            )
    return config, ours


def _our_module(module: str) -> str | None:
    """The name of one of the authors' modules in our network."""
    if dense := _AUTHORS_DENSE.fullmatch(module):
        return f"blocks.{int(dense[1]) - 1}.layers.{dense[2]}"
    if fold := _AUTHORS_FOLD.fullmatch(module):
        return f"blocks.{int(fold[1]) - 1}.fold"
    return _AUTHORS_MODULES.get(module)


def _their_key(key: str) -> str:
    """The authors' name of one of our parameters."""
    module, _, parameter = key.rpartition(".")
    names = {ours: theirs for theirs, ours in _AUTHORS_MODULES.items()}
    if module not in names:
        _, block, *layer = module.replace(".layers", "").split(".")
        inner = "conv_1x1" if layer == ["fold"] else f"dense_layers.{layer[0]}.conv"
        names[module] = f"RDB{int(block) + 1}.{inner}"
    return f"{names[module]}.{parameter}"


def _infer_config(ours: Mapping[str, Tensor]) -> AHDRConfig:
    """Sizes from shapes. That the blocks are dilated is the layout's, no shape shows it."""
    blocks = {int(key.split(".")[1]) for key in ours if key.startswith("blocks.")}
    layers = {int(key.split(".")[3]) for key in ours if key.startswith("blocks.0.layers.")}
    return AHDRConfig(
        num_blocks=1 + max(blocks),
        layers=1 + max(layers),
        features=_outputs(ours["encode.weight"]),
        growth=_outputs(ours["blocks.0.layers.0.weight"]),
    )


def _outputs(weight: Tensor) -> int:
    """Output channels; 1 for a tensor without any, whose shape is found wrong later."""
    return max(1, weight.shape[0]) if weight.ndim else 1


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file or a pickled state dict, under their own names."""
    if looks_like_safetensors(path):
        try:
            content: object = safetensors_torch.load_file(path)
        except SafetensorError as error:
            raise ForeignCheckpointError(f"damaged: {error}", path=path) from error
    else:
        content = _unpickle(path)
    for _ in range(2):  # a wrapper may sit in another: {"model": {"state_dict": …}}
        if isinstance(content, Mapping):
            inner = (content[key] for key in _WRAPPERS if isinstance(content.get(key), Mapping))
            content = next(inner, content)
    if not isinstance(content, Mapping) or not content:
        raise ForeignCheckpointError(
            f"holds a {type(content).__name__}, expected a table of tensors", path=path
        )
    tensors = {}
    for key, value in content.items():
        if not isinstance(key, str) or not isinstance(value, Tensor):
            raise ForeignCheckpointError(
                f"holds a {type(value).__name__} under {str(key)[:40]!r}, expected only tensors",
                path=path,
            )
        tensors[key] = value
    # A tensor may be a repeated view of little data and claim any amount of memory.
    if sum(t.numel() * t.element_size() for t in tensors.values()) > path.stat().st_size:
        raise ForeignCheckpointError("its tensors claim more data than the file holds", path=path)
    if all(key.startswith(_PARALLEL_PREFIX) for key in tensors):
        return {key.removeprefix(_PARALLEL_PREFIX): value for key, value in tensors.items()}
    return tensors


def _unpickle(path: Path) -> object:
    try:
        # A stream, because torch goes by the suffix if it gets a path.
        # What torch thinks of a refused file's protocol is of no interest.
        with path.open("rb") as file, without_warnings():
            content: object = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        # Any exception: the unpickler raises whatever a damaged or hostile stream provokes.
        raise ForeignCheckpointError(
            "not a checkpoint of plain tensors; nothing in it was executed",
            path=path,
            hint="save only the weights, with torch.save(model.state_dict(), …)",
        ) from error
    return content


def _some(keys: Mapping[str, Tensor] | list[str]) -> str:
    """The first few names, for a one-line message."""
    names = list(keys)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(name[:60] for name in names[:3]) + more
