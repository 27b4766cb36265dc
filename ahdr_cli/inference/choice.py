"""Which model ``auto`` means: the best one that does not keep its user waiting."""

from __future__ import annotations

from dataclasses import dataclass

from ahdr_cli.checkpoints.manifest import VALIDATION, ModelEntry
from ahdr_cli.checkpoints.registry import available_models, default_model
from ahdr_cli.inference.threads import cpu_threads

__all__ = ["AUTO", "ModelChoice", "choose_model"]

AUTO = "auto"
"""The name that leaves the choice to :func:`choose_model`."""

_PATIENCE = 30.0
"""Seconds that a network may take for one bracket on a CPU before a cheaper one is preferred."""

_CORE_RATE = 3e10
"""Multiply-accumulates a second that ONNX Runtime gets out of one core, roughly: 2.2e10 to 4.5e10
were measured on x86-64 with AVX-512 (``benchmarks/cpu_network.md``)."""


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


def choose_model(*, device: str, pixels: int) -> ModelChoice:
    """The model with the best PSNR-μ on the validation set that is not too slow.

    On a GPU none is too slow; on a CPU one that would take longer than half a minute for the
    bracket, unless all do: then it is the cheapest. Models without scores or cost are not
    considered; if there are no others, the default model is chosen.

    Args:
        device: as :func:`ahdr_cli.inference.devices.select_device` returns it.
        pixels: of one frame.

    Raises:
        UnknownModelError: no model is registered.
        ModelError: a manifest is ill-formed.
    """
    known = [entry for entry in available_models() if _score(entry) and entry.macs_per_pixel]
    if not known:
        return ModelChoice(name=default_model().name, reason="the default")
    best = max(known, key=_score)
    if device != "cpu" or len(known) == 1:
        return ModelChoice(name=best.name, reason="the best on the validation set")
    fast_enough = [entry for entry in known if _seconds(entry, pixels) <= _PATIENCE]
    if fast_enough:
        chosen = max(fast_enough, key=_score)
    else:
        chosen = min(known, key=lambda entry: _seconds(entry, pixels))
    if chosen is best:
        return ModelChoice(name=best.name, reason="the best on the validation set")
    gain, wait = _score(best) - _score(chosen), _duration(_seconds(best, pixels))
    return ModelChoice(
        name=chosen.name,
        reason=f"{best.name}, better by {gain:.1f} dB, would take about {wait} on this CPU",
        compromise=True,
    )


def _score(entry: ModelEntry) -> float:
    return entry.scores.get(VALIDATION, {}).get("psnr_mu", 0.0)


def _seconds(entry: ModelEntry, pixels: int) -> float:
    assert entry.macs_per_pixel is not None
    return entry.macs_per_pixel * pixels / (_CORE_RATE * cpu_threads())


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
