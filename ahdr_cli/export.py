"""Networks as .onnx files, for programs of other people's.

The file holds what :mod:`ahdr_cli.inference.onnx_graph` describes: three prepared frames and what
:attr:`ahdr_cli.bracket.preparation.Preparation.conditions` says of them go in, radiance comes out.
Alignment, curve and noise are found before, and tiles are up to whoever runs it: within `halo`
pixels of a tile's border, as far as that is not the image's, the result is not to be used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ahdr_cli._version import __version__
from ahdr_cli.errors import MissingDependencyError, ModelError
from ahdr_cli.io.atomic import atomic_path
from ahdr_cli.networks.config import AHDRConfig, stride
from ahdr_cli.networks.receptive import halo
from ahdr_cli.radiometry.noise import LIKELY, QUIETEST

if TYPE_CHECKING:
    from ahdr_cli.checkpoints import Checkpoint

__all__ = ["ONNX_SUFFIXES", "export_onnx"]

ONNX_SUFFIXES = (".onnx",)

_MEANING = (
    "frames: (3, h, w, 3) RGB in [0, 1], display-encoded, aligned: short, reference, long; "
    "h and w are multiples of `stride`. "
    "conditions: (4,) exposures relative to the shortest, and the noise of the bracket: the "
    "variance of a frame's light (its values to the power of 2.2) divided by that light, above 0: "
    f"at least {QUIETEST:.0e}, and {LIKELY:.0e} where values deviate by one level of 8 bits. "
    "In Python, `ahdr_cli.Merger` has a method `prepare`, whose result has both: "
    "`bracket`, with the frames, and `conditions`. "
    "radiance: (h, w, 3) linear RGB in [0, 1], in units of the shortest frame's white; "
    "times the reference's exposure it is in units of the reference's white."
)


def export_onnx(
    checkpoint: Checkpoint, output: str | Path, *, int8: bool = False, overwrite: bool = False
) -> Path:
    """Write a network, its weights in it, as ONNX of opset 17.

    The file's metadata tell ``model``, ``sha256`` of the weights, ``precision``, ``stride`` and
    ``halo`` in pixels, and ``ahdr``, the version that wrote it.

    Args:
        checkpoint: the network.
        output: where to, with suffix .onnx.
        int8: the body in 8 bits, as ``--precision int8`` has it.
        overwrite: whether an existing file may be replaced.

    Returns:
        The path written.

    Raises:
        MissingDependencyError: onnx is not installed.
        ModelError: there is no form of the network in 8 bits, or its ranges are not known.
        OutputExistsError: the file exists and `overwrite` is False.
        OutputError: it cannot be written.
    """
    try:
        from onnx import helper

        from ahdr_cli.inference.onnx_graph import build_onnx_graph
    except ImportError as error:
        raise MissingDependencyError("onnx is not installed", hint="pip install onnx") from error
    config = checkpoint.config
    if int8 and not isinstance(config, AHDRConfig):
        raise ModelError("int8 is for AHDRNet only", hint="export in fp32, or export ahdrnet")
    if int8 and not checkpoint.bounds:
        raise ModelError(
            f"the weights of {checkpoint.name!r} carry no activation ranges, which int8 needs",
            hint="export in fp32, or add them with `ahdr models calibrate`",
        )
    bounds = checkpoint.bounds if int8 else None
    model = build_onnx_graph(config, checkpoint.weights, bounds=bounds)
    model.producer_name, model.producer_version = "ahdr", __version__
    model.doc_string = _MEANING
    facts = {
        "ahdr": __version__,
        "model": checkpoint.name,
        "sha256": checkpoint.sha256,
        "precision": "int8" if int8 else "fp32",
        "stride": stride(config),
        "halo": halo(config),
    }
    helper.set_model_props(model, {name: str(value) for name, value in facts.items()})
    output = Path(output)
    with atomic_path(output, overwrite=overwrite) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return output
