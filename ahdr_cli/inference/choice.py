"""Which model ``auto`` means: the best one that does not keep its user waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ahdr_cli.checkpoints.architectures import ARCHITECTURES
from ahdr_cli.checkpoints.header import read_header
from ahdr_cli.checkpoints.manifest import VALIDATION, ModelEntry
from ahdr_cli.checkpoints.registry import available_models, default_model
from ahdr_cli.errors import DeviceError, MissingDependencyError, ModelError
from ahdr_cli.inference.devices import Precision, select_precision
from ahdr_cli.inference.runtime import select_runtime
from ahdr_cli.inference.threads import cpu_threads
from ahdr_cli.networks.config import AHDRConfig, AnyConfig

__all__ = ["AUTO", "ModelChoice", "choose_model"]

AUTO = "auto"
"""The name that leaves the choice to :func:`choose_model`."""

_PATIENCE = 30.0
"""Seconds that a network may take for one bracket on a CPU before a cheaper one is preferred."""

_CORE_RATES: Mapping[tuple[str, Precision], float] = MappingProxyType(
    {
        ("winograd", "fp32"): 6.3e10,
        ("onnxruntime", "fp32"): 3e10,
        ("torch", "fp32"): 1.6e10,
        ("onnxruntime", "int8"): 7e10,
        ("torch", "bf16"): 0.4e10,
    }
)
"""Multiply-accumulates of the plain network a second that a core gets through, roughly, by runtime.

ONNX Runtime got 2.2e10 to 5.3e10 out of one on x86-64 with AVX-512, most of them when nothing else
ran; other processors are slower. The others are as many times as fast as they were beside it there:
2.1, 0.55, 2.4, and bf16 a quarter of torch's fp32 (``benchmarks/cpu_network.md``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """A registered model, and why it was chosen.

    Attributes:
        name: of the model.
        reason: a phrase for the user.
        compromise: whether there is a better model, which is too slow.
    """

    name: str
    reason: str
    compromise: bool = False


def choose_model(
    *, device: str, pixels: int, runtime: str = "auto", precision: str = "auto"
) -> ModelChoice:
    """The model with the best PSNR-μ on the validation set that is not too slow.

    On a GPU none is too slow; on a CPU one that would take longer than half a minute for the
    bracket, unless all do: then it is the cheapest. Models without scores or cost are not
    considered; if there are no others, the default model is chosen. Nor, on a CPU, are those that
    the runtime or precision that is asked for does not compute, as long as there are others.

    Args:
        device: as :func:`ahdr_cli.inference.devices.select_device` returns it.
        pixels: of one frame.
        runtime: as in :class:`ahdr_cli.merging.MergeOptions`.
        precision: as there.

    Raises:
        UnknownModelError: no model is registered.
        ModelError: a manifest is ill-formed.
        UsageError: no such runtime or precision.
        DeviceError: the device does not have the precision.
    """
    known = [entry for entry in available_models() if _score(entry) and entry.macs_per_pixel]
    if not known:
        return ModelChoice(name=default_model().name, reason="the default")
    if device != "cpu":
        return _best(known)
    arithmetic = select_precision(precision, device=device)
    computed = {
        entry.name: name
        for entry in known
        if (name := _runtime_of(entry, runtime, precision=arithmetic)) is not None
    }
    if not computed:
        return _best(known)  # opening it says why
    known = [entry for entry in known if entry.name in computed]
    seconds = {
        entry.name: _seconds(entry, pixels, rate=_CORE_RATES[computed[entry.name], arithmetic])
        for entry in known
    }
    fast_enough = [entry for entry in known if seconds[entry.name] <= _PATIENCE]
    if fast_enough:
        chosen = max(fast_enough, key=_score)
    else:
        chosen = min(known, key=lambda entry: seconds[entry.name])
    best = max(known, key=_score)
    if chosen is best:
        return _best(known)
    gain, wait = _score(best) - _score(chosen), _duration(seconds[best.name])
    return ModelChoice(
        name=chosen.name,
        reason=f"{best.name}, better by {gain:.1f} dB, would take about {wait} on this CPU",
        compromise=True,
    )


def _best(entries: Sequence[ModelEntry]) -> ModelChoice:
    name = max(entries, key=_score).name
    return ModelChoice(name=name, reason="the best on the validation set")


def _runtime_of(entry: ModelEntry, runtime: str, *, precision: Precision) -> str | None:
    """What would compute a model on a CPU; None if what is asked for does not."""
    config = _config_of(entry)
    if precision == "int8" and not isinstance(config, AHDRConfig):
        return None  # as `require_int8` has it
    try:
        return select_runtime(runtime, device="cpu", precision=precision, config=config)
    except (DeviceError, MissingDependencyError):
        return None


def _config_of(entry: ModelEntry) -> AnyConfig:
    """What the header of a model's weights says, of which no tensor is read.

    Weights that cannot be read are taken for AHDRNet's: opening them says what is wrong.
    """
    try:
        header = read_header(entry.path)
        return ARCHITECTURES[header.architecture](**header.config)
    except (ModelError, KeyError, TypeError, ValueError):
        return AHDRConfig()


def _score(entry: ModelEntry) -> float:
    return entry.scores.get(VALIDATION, {}).get("psnr_mu", 0.0)


def _seconds(entry: ModelEntry, pixels: int, *, rate: float) -> float:
    assert entry.macs_per_pixel is not None
    return entry.macs_per_pixel * pixels / (rate * cpu_threads())


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
