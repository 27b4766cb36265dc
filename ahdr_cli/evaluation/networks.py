"""Networks as methods: models by name or path, with flow before them, and their attention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ahdr_cli.bracket import Bracket
from ahdr_cli.errors import UsageError
from ahdr_cli.evaluation.methods import Method, flow_method, model_method
from ahdr_cli.images import FloatArray

if TYPE_CHECKING:
    from torch import nn

    from ahdr_cli.merging import MergeOptions

__all__ = ["as_merged", "attention_readers", "network_methods"]


def network_methods(
    models: Sequence[str], *, options: MergeOptions, flow: bool = False
) -> list[Method]:
    """Every model as a method.

    Args:
        models: registered names or paths.
        options: how they compute.
        flow: add each model after optical flow, too.

    Raises:
        UsageError: flow without a model.
        ModelError: a model cannot be found or opened.
    """
    from ahdr_cli.merging import Merger

    if flow and not models:
        raise UsageError("the baseline flow needs a model", hint="pass --model NAME as well")
    methods: list[Method] = []
    for model, label in zip(models, _labels(models), strict=True):
        merger = Merger.open(model, options=options)
        methods.append(model_method(merger, name=label))
        if flow:
            methods.append(flow_method(merger, name=label))
    return methods


def as_merged(bracket: Bracket, *, options: MergeOptions) -> Bracket:
    """The frames as `Merger` shows them to the network: aligned and matched, if it would."""
    from ahdr_cli.merging import prepare_frames

    return prepare_frames(bracket, options).bracket


def attention_readers(
    models: Sequence[str], *, options: MergeOptions
) -> dict[str, Callable[[Bracket], tuple[FloatArray, FloatArray]]]:
    """For each model that has attention, how to get the mean maps of the short and the long frame.

    Args:
        models: registered names or paths.
        options: whether the frames are aligned and matched first.

    Raises:
        ModelError: a model cannot be found or opened.
    """
    from ahdr_cli.checkpoints import load_checkpoint
    from ahdr_cli.inference.attention_maps import has_attention

    readers: dict[str, Callable[[Bracket], tuple[FloatArray, FloatArray]]] = {}
    for model, label in zip(models, _labels(models), strict=True):
        net = load_checkpoint(model).build()
        if has_attention(net):
            readers[label] = partial(_mean_attention, net, options)
    return readers


def _mean_attention(
    net: nn.Module, options: MergeOptions, bracket: Bracket
) -> tuple[FloatArray, FloatArray]:
    from ahdr_cli.inference.attention_maps import summarise_attention

    summary = summarise_attention(net, as_merged(bracket, options=options))
    return summary.short, summary.long


def _labels(models: Sequence[str]) -> list[str]:
    """Registered names, or files' names without their folders, as far as that tells them apart.

    The weights of every run are called ``best``: they get the name of the run's folder as well.
    """
    stems = [Path(model).stem if Path(model).suffix else model for model in models]
    return [
        stem if stems.count(stem) == 1 else f"{Path(model).resolve().parent.name}/{stem}"
        for model, stem in zip(models, stems, strict=True)
    ]
