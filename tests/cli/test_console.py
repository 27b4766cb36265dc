"""Progress on terminals of different talents."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ahdr_cli.cli import console, train_watch
from ahdr_cli.training.events import Progress


@pytest.fixture
def terminal(monkeypatch):
    """Make stderr a terminal of a kind; returns what is written to it."""

    def of_kind(kind: str) -> io.StringIO:
        stream = io.StringIO()
        stderr = Console(file=stream, force_terminal=True, _environ={"TERM": kind}, width=80)
        monkeypatch.setattr(console, "stderr", lambda: stderr)
        monkeypatch.setattr(train_watch, "stderr", lambda: stderr)
        return stream

    return of_kind


@pytest.mark.parametrize(("kind", "drawn"), [("xterm", True), ("dumb", False)])
def test_a_bar_only_where_it_can_be_drawn_again(terminal, kind, drawn):
    written = terminal(kind)
    with console.progress("merging") as advance:
        advance(1, 2)
    assert ("merging" in written.getvalue()) is drawn
    assert bool(written.getvalue()) is drawn  # not even an empty line


@pytest.mark.parametrize(("kind", "lines"), [("xterm", 0), ("dumb", 2)])
def test_training_on_a_dumb_terminal_reports_in_lines(terminal, kind, lines):
    written = terminal(kind)
    event = Progress(
        step=10,
        samples=40,
        fraction=0.5,
        loss=0.25,
        gradient_norm=1.0,
        lr=1e-3,
        patch=64,
        samples_per_second=8.0,
        seconds=5.0,
        remaining=300.0,
    )
    with train_watch.Watch(quiet=False) as watch:
        with watch.reading():
            pass
        watch.on_event(event)
        watch.on_event(event)
    assert written.getvalue().count("images/s, 5 min left\n") == lines
