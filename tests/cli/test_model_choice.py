"""`--model auto`: the model that fits the machine and the picture."""

from __future__ import annotations

import pytest

from ahdr_cli.cli.model_choice import resolve_model
from ahdr_cli.inference import choice
from ahdr_cli.inference.choice import ModelChoice
from ahdr_cli.merging import MergeOptions

HERE = MergeOptions(device="cpu", runtime="torch", precision="fp32")


@pytest.fixture
def chosen(monkeypatch):
    """Lets `auto` mean a given choice, and returns the questions that were asked."""
    asked: list[dict[str, object]] = []

    def let(answer: ModelChoice) -> list[dict[str, object]]:
        def answered(**question: object) -> ModelChoice:
            asked.append(question)
            return answer

        monkeypatch.setattr(choice, "choose_model", answered)
        return asked

    return let


def test_a_compromise_is_told(chosen, capsys):
    asked = chosen(ModelChoice(name="small", reason="large would take 9 min", compromise=True))
    assert resolve_model("auto", HERE, pixels=24, quiet=False) == "small"
    assert asked == [{"device": "cpu", "pixels": 24, "runtime": "torch", "precision": "fp32"}]
    assert "model small: large would take 9 min" in capsys.readouterr().err


@pytest.mark.parametrize(("compromise", "quiet"), [(False, False), (True, True)])
def test_nothing_else_is(chosen, capsys, compromise, quiet):
    chosen(ModelChoice(name="small", reason="it is better", compromise=compromise))
    assert resolve_model("auto", HERE, pixels=24, quiet=quiet) == "small"
    assert capsys.readouterr().err == ""


def test_a_name_stays_what_it_is(chosen):
    asked = chosen(ModelChoice(name="small", reason=""))
    path = "some/file.safetensors"
    assert resolve_model(path, MergeOptions(device="nonsense"), pixels=1, quiet=False) == path
    assert asked == []
