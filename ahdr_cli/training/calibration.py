"""Calibration: the bound of every activation that int8 stores, found on training brackets.

Three rules propose bounds: the largest value that occurs, the 99.99th percentile, and the bound
with the least squared error of storing what occurs. A bound too small clips highlights, one too
large wastes steps, and which is worse depends on the network. So each rule's bounds are tried on
further brackets, and those with the best PSNR-μ against the truth are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch

from ahdr_cli.checkpoints import Checkpoint
from ahdr_cli.checkpoints.header import MAX_BOUND, MIN_BOUND
from ahdr_cli.errors import UsageError
from ahdr_cli.images import FloatArray
from ahdr_cli.inference.int8_support import require_int8
from ahdr_cli.inference.observation import Observer
from ahdr_cli.inference.onnx_quantised import STEPS
from ahdr_cli.inference.onnx_runtime import OnnxRuntime
from ahdr_cli.metrics.psnr import psnr_mu
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.noise import batch_noise
from ahdr_cli.training.batch import Engine

__all__ = ["CALIBRATION_SEED", "MIN_SAMPLES", "Calibration", "calibrate"]

CALIBRATION_SEED = 20190617
"""Of the brackets. It is no setting, so that equal weights and data give equal bounds."""

MIN_SAMPLES = 4
"""Three brackets to observe and one to try the bounds on."""

_PATCH = 192
"""Pixels along a side: the receptive field, and as much again."""

_STEP = 149
"""Every so many values of an activation are kept, for percentiles: 2e4 of a bracket, and, as this
is prime, from all rows, columns and channels."""

_PERCENTILE = 99.99

_FRACTIONS = np.geomspace(0.05, 1.0, 30)
"""Of the largest value, the bounds among which the least squared error is looked for."""

_Rule = Callable[[FloatArray, float], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was found.

    Attributes:
        bounds: largest absolute value that is kept of each activation.
        rule: by which they were chosen.
        psnr_mu: mean over the brackets that bounds were tried on, in dB, by each rule, and in
            ``fp32``.
    """

    bounds: Mapping[str, float]
    rule: str
    psnr_mu: Mapping[str, float]


class _Bracket(NamedTuple):
    frames: FloatArray  # (3, h, w, 3)
    conditions: FloatArray  # (4,)
    truth: FloatArray  # (h, w, 3)


def calibrate(
    checkpoint: Checkpoint,
    engine: Engine,
    *,
    samples: int = 64,
    on_sample: Callable[[int, int], None] = lambda done, total: None,
) -> Calibration:
    """Find the bounds of a network's activations.

    Args:
        checkpoint: of AHDRNet; bounds that it already has do not matter.
        engine: makes training brackets, of which the first `samples` are used.
        samples: three quarters are observed, on the others bounds are tried.
        on_sample: told of brackets done and brackets in all.

    Raises:
        UsageError: fewer samples than `MIN_SAMPLES`.
        ModelError: the network has no form in int8.
        DeviceError: this processor cannot try the bounds.
    """
    if samples < MIN_SAMPLES:
        raise UsageError(f"{samples} samples are too few, at least {MIN_SAMPLES} are needed")
    require_int8(checkpoint.config)
    assert isinstance(checkpoint.config, AHDRConfig)
    brackets = _brackets(engine, samples=samples, on_sample=on_sample)
    observer = Observer(checkpoint.config, checkpoint.weights)
    proposals = _propose(observer, islice(brackets, samples * 3 // 4))
    runtimes = {
        name: OnnxRuntime(checkpoint.config, checkpoint.weights, bounds=bounds)
        for name, bounds in {"fp32": None, **proposals}.items()
    }
    scores: dict[str, list[float]] = {name: [] for name in runtimes}
    for bracket in brackets:
        for name, runtime in runtimes.items():
            merged = runtime(bracket.frames, bracket.conditions)
            scores[name].append(psnr_mu(merged, bracket.truth))
    means = {name: float(np.mean(values)) for name, values in scores.items()}
    rule = max(proposals, key=means.__getitem__)
    return Calibration(bounds=proposals[rule], rule=rule, psnr_mu=means)


def _brackets(
    engine: Engine, *, samples: int, on_sample: Callable[[int, int], None]
) -> Iterator[_Bracket]:
    for index in range(samples):
        batch = engine.batch([index], patch=_PATCH)
        noise = batch_noise(batch.ldr, batch.ratios)
        yield _Bracket(
            frames=np.ascontiguousarray(batch.ldr[0].permute(0, 2, 3, 1).cpu().numpy()),
            conditions=torch.cat((batch.ratios[0], noise)).cpu().numpy(),
            truth=batch.target[0].permute(1, 2, 0).cpu().numpy(),
        )
        on_sample(index + 1, samples)


def _propose(observer: Observer, brackets: Iterator[_Bracket]) -> dict[str, dict[str, float]]:
    """Bounds by activation, by rule."""
    largest: dict[str, float] = {}
    kept: dict[str, list[FloatArray]] = {}
    for bracket in brackets:
        for name, values in observer(bracket.frames, bracket.conditions).items():
            magnitude = max(float(values.max()), -float(values.min()))
            largest[name] = max(largest.get(name, 0.0), magnitude)
            kept.setdefault(name, []).append(np.abs(values.ravel()[::_STEP]))
    magnitudes = {name: np.concatenate(parts) for name, parts in kept.items()}
    return {
        rule: {
            name: float(np.clip(bound(magnitudes[name], largest[name]), MIN_BOUND, MAX_BOUND))
            for name in magnitudes
        }
        for rule, bound in _RULES.items()
    }


def _percentile(magnitudes: FloatArray, _largest: float) -> float:
    return float(np.percentile(magnitudes, _PERCENTILE))


def _least_squares(magnitudes: FloatArray, largest: float) -> float:
    def error(bound: float) -> float:
        step = np.float32(max(bound, MIN_BOUND) / STEPS)
        stored = np.minimum(np.rint(magnitudes / step), STEPS) * step
        return float(np.mean(np.square(stored - magnitudes)))

    bounds: list[float] = (_FRACTIONS * largest).tolist()
    return min(bounds, key=error)


_RULES: Mapping[str, _Rule] = MappingProxyType(
    {
        "largest value": lambda _magnitudes, largest: largest,
        "99.99th percentile": _percentile,
        "least squares": _least_squares,
    }
)
