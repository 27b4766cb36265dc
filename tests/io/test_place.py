"""Links that lead to themselves, and a working directory that has been deleted."""

from __future__ import annotations

import os

import pytest

from ahdr_cli.errors import OutputError, UsageError
from ahdr_cli.io import check_output
from ahdr_cli.io.place import check_folder, real_path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and deleted directories")


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A working directory that does not exist any more."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()


def test_links_are_followed(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    assert real_path(tmp_path / "link") == real_path(tmp_path) / "file"


def test_a_loop_is_no_failure(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    assert real_path(tmp_path / "loop") == real_path(tmp_path) / "loop"


def test_a_deleted_working_directory_is_named(nowhere):
    with pytest.raises(UsageError, match=r"a\.jpg: the working directory does not exist"):
        real_path("a.jpg")
    with pytest.raises(OutputError, match=r"a\.exr: the working directory does not exist"):
        check_output("a.exr", overwrite=False, suffixes={".exr"})


def test_a_folder_that_could_be_made_is_not_made(tmp_path, monkeypatch):
    check_folder(tmp_path)
    check_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file is none"):
        check_folder(tmp_path / "file" / "b")
    monkeypatch.setattr(os, "access", lambda *args: False)
    with pytest.raises(OutputError, match=r"b: the folder cannot be made: .* may not be written"):
        check_folder(tmp_path / "a" / "b")
