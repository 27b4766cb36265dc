"""Files appear whole or not at all, and never over others."""

from __future__ import annotations

import errno
import os
import stat
from types import SimpleNamespace

import pytest

from ahdr_cli.errors import OutputError, OutputExistsError
from ahdr_cli.io import atomic_path, check_output
from ahdr_cli.io.atomic import TEMPORARY_PREFIX


def write(path, content=b"new", *, overwrite=False):
    with atomic_path(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(content)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_new_file(tmp_path, overwrite):
    write(tmp_path / "a.exr", overwrite=overwrite)
    assert (tmp_path / "a.exr").read_bytes() == b"new"
    assert names(tmp_path) == ["a.exr"]


def test_the_temporary_file_is_hidden_beside_it_and_keeps_the_suffix(tmp_path):
    with atomic_path(tmp_path / "a.exr", overwrite=False) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(TEMPORARY_PREFIX)
        assert temporary.suffix == ".exr"
        assert not (tmp_path / "a.exr").exists()


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_others_may_read_it(tmp_path):
    previous = os.umask(0o027)
    try:
        write(tmp_path / "a.exr")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "a.exr").stat().st_mode) == 0o640


def test_overwriting(tmp_path):
    (tmp_path / "a.exr").write_bytes(b"old")
    write(tmp_path / "a.exr", overwrite=True)
    assert (tmp_path / "a.exr").read_bytes() == b"new"
    assert names(tmp_path) == ["a.exr"]


def test_not_overwriting_is_refused_before_any_work(tmp_path):
    (tmp_path / "a.exr").write_bytes(b"old")
    with (
        pytest.raises(OutputExistsError, match="exists already") as caught,
        atomic_path(tmp_path / "a.exr", overwrite=False),
    ):
        pytest.fail("the block must not run")
    assert "--overwrite" in caught.value.hint
    assert (tmp_path / "a.exr").read_bytes() == b"old"


def no_links(source, target):
    raise OSError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appears_meanwhile_is_kept(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    with (
        pytest.raises(OutputExistsError),
        atomic_path(tmp_path / "a.exr", overwrite=False) as temporary,
    ):
        temporary.write_bytes(b"new")
        (tmp_path / "a.exr").write_bytes(b"somebody else's")
    assert (tmp_path / "a.exr").read_bytes() == b"somebody else's"
    assert names(tmp_path) == ["a.exr"]


def test_file_systems_without_links(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", no_links)
    write(tmp_path / "a.exr")
    assert (tmp_path / "a.exr").read_bytes() == b"new"
    assert names(tmp_path) == ["a.exr"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("overwrite", [False, True])
def test_nothing_is_left_after_a_failure(tmp_path, error, overwrite):
    with (
        pytest.raises(type(error)),
        atomic_path(tmp_path / "a.exr", overwrite=overwrite) as temporary,
    ):
        temporary.write_bytes(b"half")
        raise error
    assert names(tmp_path) == []


def test_a_failure_keeps_the_old_file(tmp_path):
    (tmp_path / "a.exr").write_bytes(b"old")
    with (
        pytest.raises(ValueError, match="no"),
        atomic_path(tmp_path / "a.exr", overwrite=True) as temporary,
    ):
        temporary.write_bytes(b"half")
        raise ValueError("no")
    assert (tmp_path / "a.exr").read_bytes() == b"old"


def test_errors_of_the_system_are_one_line(tmp_path):
    with (
        pytest.raises(OutputError, match="cannot be written: no space left on device") as caught,
        atomic_path(tmp_path / "a.exr", overwrite=False),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.path == tmp_path / "a.exr"


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_link_is_followed(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "real.exr").write_bytes(b"old")
    (tmp_path / "a.exr").symlink_to("store/real.exr")
    with pytest.raises(OutputExistsError):
        write(tmp_path / "a.exr")
    write(tmp_path / "a.exr", overwrite=True)
    assert (tmp_path / "a.exr").is_symlink()
    assert (tmp_path / "store" / "real.exr").read_bytes() == b"new"


def test_a_very_long_name(tmp_path):
    name = "n" * 250 + ".exr"
    write(tmp_path / name)
    assert names(tmp_path) == [name]


# --- the pre-flight check --------------------------------------------------------------------


def refused(path, *, overwrite=False):
    with pytest.raises(OutputError) as caught:
        check_output(path, overwrite=overwrite, suffixes=(".exr", ".hdr"))
    return str(caught.value)


def test_a_good_path_passes_and_is_not_touched(tmp_path):
    check_output(tmp_path / "a.EXR", overwrite=False, suffixes=(".exr",))
    assert names(tmp_path) == []


def test_missing_folder(tmp_path):
    text = refused(tmp_path / "b" / "a.exr")
    assert f"the folder {tmp_path / 'b'} does not exist" in text
    assert "create it first" in text


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "b").touch()
    assert "does not exist" in refused(tmp_path / "b" / "a.exr")


def test_unwritable_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *args: False)  # root may write anywhere
    line = refused(tmp_path / "a.exr")
    assert f"the folder {tmp_path} may not be written" in line


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="POSIX")
def test_a_read_only_file_system(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *args: False)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    assert "is on a read-only file system" in refused(tmp_path / "a.exr")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a", "has no suffix, expected .exr or .hdr"),
        ("a.jpg", "suffix '.jpg', expected .exr or .hdr"),
        (".exr", "is a suffix without a name (write out.exr)"),
        ("", "is a folder, expected the name of a file, .exr or .hdr"),
    ],
)
def test_suffix(tmp_path, name, words):
    assert words in refused(tmp_path / name)


def test_existing_file(tmp_path):
    (tmp_path / "a.exr").touch()
    assert "exists already" in refused(tmp_path / "a.exr")
    check_output(tmp_path / "a.exr", overwrite=True, suffixes=(".exr",))


@pytest.mark.parametrize("overwrite", [False, True])
def test_folder_and_device(tmp_path, overwrite):
    (tmp_path / "a.exr").mkdir()
    assert "is a folder" in refused(tmp_path / "a.exr", overwrite=overwrite)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "b.exr")
        assert "not a regular file" in refused(tmp_path / "b.exr", overwrite=overwrite)


def test_name_too_long(tmp_path):
    assert "too long" in refused(tmp_path / ("n" * 300 + ".exr"))
