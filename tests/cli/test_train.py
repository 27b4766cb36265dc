"""`ahdr train`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ahdr_cli.checkpoints import load_checkpoint
from ahdr_cli.cli.streams import WordsConsole
from ahdr_cli.training.__main__ import main as bare_main

QUICK = ("--preset", "tiny", "--set", "runtime.device=cpu", "--set", "logging.tensorboard=off")


def test_a_run_and_its_continuation(ahdr, maps, tmp_path):
    out = tmp_path / "run"
    data = ("--data", f"hdr:{maps}=2", "--val", f"hdr:{maps}", "--out", out)
    result = ahdr("train", *data, *QUICK, "--set", "schedule.steps=3", "--json")
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert (facts["reason"], facts["step"]) == ("finished", 3)
    assert Path(facts["weights"]) == out / "last.safetensors"
    assert (out / "best.safetensors").is_file()
    assert "warning: validation is not held out: all files of --val" in result.stderr

    result = ahdr("train", *data, "--resume", "--set", "schedule.steps=5")
    assert result.exit_code == 0, result.stderr
    assert "finished after 5 steps" in result.stderr
    assert "PSNR-μ" in result.stderr
    # Folders are private; weights travel.
    provenance = load_checkpoint(out / "last.safetensors").provenance
    assert str(maps.parent) not in "".join(provenance.values())


def test_quiet_says_nothing(ahdr, maps, tmp_path):
    result = ahdr(
        "train", "--data", f"hdr:{maps}", "-o", tmp_path, *QUICK, "--set", "schedule.steps=1", "-q"
    )
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "no training data"),
        (["--data", "maps"], 2, "is no source of data"),
        (["--data", "hdr:absent"], 3, "no such folder"),
        (["--data", "hdr:x", "--preset", "tiny", "--config", "a.toml"], 2, "contradict"),
        (["--data", "hdr:x", "--preset", "tinny"], 2, "tinny"),
        (["--data", "hdr:x", "--set", "optimiser.rl=1"], 2, "rl"),
        (["--data", "hdr:x", "--resume"], 3, "no training state"),
    ],
)
def test_mistakes(ahdr, tmp_path, arguments, code, words):
    result = ahdr("train", *arguments, "--out", tmp_path)
    assert result.exit_code == code, result.stderr
    assert words in result.stderr


def test_reading_is_said_before_it_begins(ahdr, maps, tmp_path):
    result = ahdr(
        *("train", "--data", f"hdr:{maps}", "-o", tmp_path, *QUICK, "--set", "schedule.steps=1")
    )
    assert result.exit_code == 0, result.stderr
    assert result.stderr.startswith("reading 2 scenes\n")


@pytest.mark.parametrize(
    ("resume", "kept"), [(False, "there is nothing to save yet"), (True, "the run is as it was")]
)
def test_interrupted_while_the_data_are_read(ahdr, maps, tmp_path, monkeypatch, resume, kept):
    run = ("train", "--data", f"hdr:{maps}", "-o", tmp_path, "-q")
    if resume:
        assert ahdr(*run, *QUICK, "--set", "schedule.steps=1").exit_code == 0

    def interrupted(path):
        raise KeyboardInterrupt

    monkeypatch.setattr("ahdr_cli.io.read_hdr", interrupted)
    result = ahdr(*run, *(["--resume", "--set", "schedule.steps=2"] if resume else QUICK))
    assert result.exit_code == 130
    assert result.stderr == f"ahdr: error: interrupted while the data were read: {kept}\n"


def test_a_terminal_shows_what_is_read_and_no_loss_before_there_is_one(
    ahdr, maps, tmp_path, monkeypatch
):
    terminal = WordsConsole(stderr=True, force_terminal=True, width=100)
    monkeypatch.setattr("ahdr_cli.cli.console.stderr", lambda: terminal)
    monkeypatch.setattr("ahdr_cli.cli.train_watch.stderr", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")
    result = ahdr(
        *("train", "--data", f"hdr:{maps}", "-o", tmp_path, *QUICK, "--set", "schedule.steps=1")
    )
    assert result.exit_code == 0, result.stderr
    assert "2/2" in result.stderr
    assert "step 0" in result.stderr
    assert "nan" not in result.stderr


@pytest.mark.parametrize("code", [130, 143])
def test_a_run_that_was_stopped_says_so_to_scripts(ahdr, tmp_path, monkeypatch, code):
    from ahdr_cli.training import session
    from ahdr_cli.training.loop import TrainResult

    stopped = TrainResult(
        reason="stopped",
        step=7,
        seconds=1.0,
        best=None,
        best_step=0,
        last=tmp_path / "last.safetensors",
        exit_code=code,
    )
    monkeypatch.setattr(session, "run_session", lambda *_, **__: stopped)
    result = ahdr("train", "--data", "hdr:x", "--out", tmp_path)
    assert result.exit_code == code
    assert "stopped after 7 steps" in result.stderr and "--resume" in result.stderr
    result = ahdr("train", "--data", "hdr:x", "--out", tmp_path, "--json")
    assert (result.exit_code, json.loads(result.stdout)["reason"]) == (code, "stopped")


def test_the_bare_command_refuses_an_empty_folder_too(capsys):
    with pytest.raises(SystemExit) as stopped:
        bare_main(["--data", "packed:shards", "--out", ""])
    assert stopped.value.code == 2
    assert "argument --out: is empty" in capsys.readouterr().err
