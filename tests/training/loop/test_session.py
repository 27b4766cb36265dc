from __future__ import annotations

import pytest

from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.errors import InputError, ModelError, OutOfMemoryError, UsageError
from ahdr_cli.training import memory
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


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("stages=[{patch=100000, batch=4}]", "4 patches of 100000x100000 pixels take at least"),
        (f"stages=[{{patch=1{'0' * 200}, batch=1}}]", "take at least endless GB of memory"),
        ("validation.samples=99999999999999", "99999999999999 validation samples of 64x64"),
    ],
)
def test_what_cannot_fit_is_said_before_anything_is_opened(opener, tmp_path, override, words):
    out = tmp_path / "run"
    with pytest.raises(OutOfMemoryError) as caught:
        run_session(
            opener,
            data=["shards"],
            validation=["held-out"],
            out=out,
            preset_or_path="tiny",
            overrides=["runtime.device=cpu", override],
        )
    assert words in caught.value.message
    assert "choose smaller" in caught.value.hint
    assert opener.calls == [] and not out.exists()


def test_what_just_fits_is_not_refused(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda device: 1000)
    memory.require_memory(1000, device="cpu", what="x", hint="y")
    with pytest.raises(OutOfMemoryError, match="x take at least"):
        memory.require_memory(1001, device="cpu", what="x", hint="y")


def test_memory_that_runs_out_is_told_with_the_way_out(toy, opener, tmp_path, monkeypatch):
    def fail(self, indices, *, patch):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")

    monkeypatch.setattr(toy.ToyEngine, "batch", fail)
    with pytest.raises(OutOfMemoryError, match="can't allocate") as caught:
        run_session(
            opener, data=["shards"], out=tmp_path, preset_or_path="tiny", overrides=toy.SETTINGS
        )
    assert "stages=" in caught.value.hint


@pytest.mark.parametrize(
    ("override", "error"),
    [("init=absent", ModelError), ("model.variant=absent", UsageError)],
)
def test_a_run_that_never_was_leaves_no_folder(toy, opener, tmp_path, override, error):
    with pytest.raises(error):
        run_session(
            opener,
            data=["shards"],
            out=tmp_path / "run",
            preset_or_path="tiny",
            overrides=[*toy.SETTINGS, override],
        )
    assert not (tmp_path / "run").exists()
