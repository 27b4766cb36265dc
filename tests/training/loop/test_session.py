from __future__ import annotations

import pytest

from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.errors import InputError, UsageError
from ahdr_cli.training.config_file import load_config
from ahdr_cli.training.recipe import Recipe
from ahdr_cli.training.run_state import load_state
from ahdr_cli.training.session import VALIDATION_SEED, resolve_config, run_session


@pytest.fixture
def opener(toy):
    """Opens the toy engine, and keeps what it was asked for in `calls`."""

    def open_toy(sources, *, seed, recipe, device):
        open_toy.calls.append((list(sources), seed, recipe))
        return toy.ToyEngine(seed)

    open_toy.calls = []
    return open_toy


def test_a_session_trains_validates_and_resumes(toy, opener, tmp_path):
    overrides = [*toy.SETTINGS, "schedule.steps=4", "validation.samples=2", "validation.patch=16"]
    first = run_session(
        opener,
        data=["hdr:/some/where/maps", "shards"],
        validation=["hdr:held-out"],
        out=tmp_path,
        preset_or_path="tiny",
        overrides=overrides,
    )
    assert (first.reason, first.step, first.best_step) == ("finished", 4, 4)
    assert opener.calls == [
        (["hdr:/some/where/maps", "shards"], 0, Recipe()),
        (["hdr:held-out"], VALIDATION_SEED, Recipe()),
    ]
    assert load_checkpoint(first.last).provenance["data"] == "hdr:maps, shards"
    again = run_session(
        opener, data=["shards"], out=tmp_path, overrides=["schedule.steps=6"], resume=True
    )
    assert (again.reason, again.step) == ("finished", 6)


def test_nothing_to_resume_is_said_before_anything_is_opened(opener, tmp_path):
    with pytest.raises(InputError, match="no training state"):
        run_session(opener, data=["shards"], out=tmp_path, resume=True)
    assert opener.calls == []


def test_the_release_recipe_is_the_default():
    assert resolve_config(None, overrides=[], state=None) == load_config("release")


def test_a_resumed_run_takes_no_preset(toy, opener, tmp_path):
    run_session(
        opener,
        data=["shards"],
        out=tmp_path,
        preset_or_path="tiny",
        overrides=[*toy.SETTINGS, "schedule.steps=1"],
    )
    state = load_state(tmp_path)
    with pytest.raises(UsageError, match="keeps its configuration"):
        resolve_config("tiny", overrides=[], state=state)
    assert resolve_config(None, overrides=["ema.decay=0.5"], state=state).ema.decay == 0.5
