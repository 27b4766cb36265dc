"""Fixtures that every part of the suite may use."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples every time; no deadline, because machines differ.
settings.register_profile("ahdr", derandomize=True, deadline=None)
settings.load_profile("ahdr")

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Undo what a shell does to jobs in the background: they and their children ignore Ctrl-C.

    Tests that interrupt a child would wait for it in vain.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout that the tests run from."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Material that may not be committed, in a folder `shared` beside the checkout."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder `shared` beside the checkout, which is not distributed")
    return folder
