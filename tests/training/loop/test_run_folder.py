"""Whose folder it is."""

from __future__ import annotations

import pytest

from ahdr_cli.errors import OutputExistsError, UsageError
from ahdr_cli.training.run_folder import check_folder, only_run


@pytest.mark.parametrize("name", ["state.pt", "last.safetensors", "best.safetensors"])
def test_a_run_keeps_its_folder(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(OutputExistsError, match=name):
        check_folder(tmp_path, resuming=False)
    check_folder(tmp_path, resuming=True)


def test_a_log_of_somebody_elses_is_not_replaced(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"mine": 1}\n')
    with pytest.raises(OutputExistsError, match="that no run has written"):
        check_folder(tmp_path, resuming=False)
    assert (tmp_path / "log.jsonl").read_text() == '{"mine": 1}\n'


@pytest.mark.parametrize("text", ["", '{"event": "progress", "step": 50, "loss": 0.1}\n{"eve'])
def test_a_run_that_was_killed_early_may_begin_again(tmp_path, text):
    (tmp_path / "log.jsonl").write_text(text)
    check_folder(tmp_path, resuming=False)


def test_one_run_at_a_time(tmp_path):
    with (
        only_run(tmp_path),
        pytest.raises(UsageError, match="another ahdr train is working here"),
        only_run(tmp_path),
    ):
        pass
    with only_run(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
