"""What `--model auto` means."""

from __future__ import annotations

from pathlib import Path

import pytest

from ahdr_cli.checkpoints.manifest import ModelEntry
from ahdr_cli.checkpoints.registry import find_model
from ahdr_cli.errors import DeviceError, UsageError
from ahdr_cli.inference import choice, runtime
from ahdr_cli.inference.choice import choose_model
from ahdr_cli.networks.config import AHDRConfig, FastConfig


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
    """Registers models, on a machine with two cores and ONNX Runtime."""
    monkeypatch.setattr(choice, "cpu_threads", lambda: 2)
    monkeypatch.setattr(runtime, "winograd_failure", lambda: "no numba")
    monkeypatch.setattr(runtime, "_has_onnx", lambda: True)
    configs = {"small": FastConfig()}
    monkeypatch.setattr(choice, "_config_of", lambda entry: configs.get(entry.name, AHDRConfig()))

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


@pytest.mark.parametrize(
    ("winograd", "onnx", "seconds"), [(True, True, 12), (False, True, 25), (False, False, 47)]
)
def test_the_runtime_that_would_compute_is_judged(models, monkeypatch, winograd, onnx, seconds):
    models(LARGE, SMALL)
    monkeypatch.setattr(runtime, "winograd_failure", lambda: None if winograd else "no numba")
    monkeypatch.setattr(runtime, "_has_onnx", lambda: onnx)
    monkeypatch.setattr(choice, "_PATIENCE", 1.0)
    found = choose_model(device="cpu", pixels=10**6)
    assert found.reason == f"large, better by 0.8 dB, would take about {seconds} s on this CPU"
    monkeypatch.setattr(choice, "_PATIENCE", 30.0)
    assert choose_model(device="cpu", pixels=10**6).name == ("large" if seconds < 30 else "small")


def test_options_of_the_machine_are_judged(models):
    models(LARGE, SMALL)
    picture = {"device": "cpu", "pixels": 10**6}
    assert choose_model(**picture).name == "large"
    assert choose_model(**picture, runtime="torch").name == "small"


def test_models_that_the_options_exclude_are_passed_over(models, monkeypatch):
    models(LARGE, SMALL)
    enormous = {"device": "cpu", "pixels": 10**8}
    assert choose_model(**enormous).name == "small"
    assert choose_model(**enormous, precision="int8").name == "large"
    monkeypatch.setattr(runtime, "winograd_failure", lambda: None)
    assert choose_model(**enormous, runtime="winograd").name == "large"


def test_where_the_options_exclude_all_the_best_is_left_to_complain(models):
    models(LARGE, SMALL)
    assert choose_model(device="cpu", pixels=10**8, runtime="winograd").name == "large"


def test_options_that_do_not_exist_are_errors(models):
    models(LARGE, SMALL)
    with pytest.raises(UsageError, match="runtime must be"):
        choose_model(device="cpu", pixels=1, runtime="abacus")
    with pytest.raises(DeviceError, match="fp16"):
        choose_model(device="cpu", pixels=1, precision="fp16")


def test_headers_tell_what_a_model_is():
    assert isinstance(choice._config_of(find_model("ahdrnet")), AHDRConfig)
    assert isinstance(choice._config_of(find_model("fast")), FastConfig)
    assert choice._config_of(SMALL) == AHDRConfig()  # no such file
