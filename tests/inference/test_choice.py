"""What `--model auto` means."""

from __future__ import annotations

from pathlib import Path

import pytest

from ahdr_cli.checkpoints.manifest import ModelEntry
from ahdr_cli.inference import choice
from ahdr_cli.inference.choice import choose_model


def entry(name: str, *, macs: int | None, score: float | None, default: bool = False) -> ModelEntry:
    return ModelEntry(
        name=name,
        path=Path(f"{name}.safetensors"),
        sha256="0" * 64,
        bytes=1,
        description="",
        default=default,
        macs_per_pixel=macs,
        scores={} if score is None else {"validation": {"psnr_mu": score}},
    )


LARGE = entry("large", macs=1_500_000, score=42.0, default=True)
SMALL = entry("small", macs=50_000, score=41.2)


@pytest.fixture
def models(monkeypatch):
    """Registers models, on a machine with two cores."""
    monkeypatch.setattr(choice, "cpu_threads", lambda: 2)

    def register(*entries: ModelEntry) -> None:
        monkeypatch.setattr(choice, "available_models", lambda: entries)
        monkeypatch.setattr(choice, "default_model", lambda: entries[0])

    return register


def test_a_gpu_takes_the_best(models):
    models(SMALL, LARGE)
    assert choose_model(device="cuda:0", pixels=10**8).name == "large"


def test_a_cpu_takes_the_best_for_a_small_picture_only(models):
    models(LARGE, SMALL)
    assert choose_model(device="cpu", pixels=400_000).name == "large"
    chosen = choose_model(device="cpu", pixels=24_000_000)
    assert chosen.name == "small"
    assert chosen.compromise
    assert chosen.reason == "large, better by 0.8 dB, would take about 10 min on this CPU"


def test_where_all_are_slow_the_cheapest_is_taken(models):
    models(LARGE, SMALL)
    assert choose_model(device="cpu", pixels=10**9).name == "small"


def test_a_better_small_model_is_always_taken(models):
    models(LARGE, entry("better", macs=50_000, score=43.0))
    for device in ("cpu", "cuda:0"):
        chosen = choose_model(device=device, pixels=400_000)
        assert (chosen.name, chosen.reason) == ("better", "the best on the validation set")
        assert not chosen.compromise


def test_models_without_facts_are_passed_over(models):
    models(entry("unknown", macs=None, score=50.0), entry("unscored", macs=1, score=None), SMALL)
    assert choose_model(device="cpu", pixels=10**6).name == "small"
    models(entry("unknown", macs=None, score=None))
    assert choose_model(device="cpu", pixels=10**6).name == "unknown"
