"""Writing while the disk fills, the process is killed or another one writes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from ahdr_cli.errors import OutputError
from ahdr_cli.images import HdrImage
from ahdr_cli.io import HDR_SUFFIXES, read_hdr, write_hdr, write_preview
from ahdr_cli.io.atomic import TEMPORARY_PREFIX

needs_posix = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and limits")


def names(folder):
    return [path.name for path in folder.iterdir()]


def noise(height=120, width=160):
    """Radiance that does not compress."""
    values = np.random.default_rng(0).uniform(0, 100, (height, width, 3))
    return HdrImage(values.astype(np.float32))


@pytest.fixture
def full_disk():
    """Files cannot grow beyond 16 kB: the same path as ENOSPC, without a disk to fill."""
    resource = pytest.importorskip("resource", reason="POSIX limits")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", HDR_SUFFIXES)
@pytest.mark.parametrize("exists", [False, True])
def test_a_full_disk_leaves_nothing_behind(tmp_path, full_disk, suffix, exists):
    path = tmp_path / f"a{suffix}"
    if exists:
        path.write_bytes(b"old")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        write_hdr(path, noise(), overwrite=True)
    assert caught.value.path == path
    assert TEMPORARY_PREFIX not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == ([path.name] if exists else [])
    assert not exists or path.read_bytes() == b"old"


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_full_disk_and_a_preview(tmp_path, full_disk, suffix):
    pixels = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    with pytest.raises(OutputError, match="cannot be written"):
        write_preview(tmp_path / f"a{suffix}", pixels, image=noise(4, 4))
    assert names(tmp_path) == []


HALF_WRITTEN = """
import sys, time
from ahdr_cli.io import atomic_path
with atomic_path(sys.argv[1], overwrite=sys.argv[2] == "True") as temporary:
    with open(temporary, "wb") as stream:
        stream.write(b"half")
        stream.flush()
        print("half", flush=True)
        time.sleep(60)
"""

REWRITING = """
import sys
import numpy as np
from ahdr_cli.images import HdrImage
from ahdr_cli.io import write_hdr
images = [HdrImage(np.full((200, 300, 3), value, np.float32)) for value in (1.0, 2.0)]
write_hdr(sys.argv[1], images[0], overwrite=True)
print("first", flush=True)
while True:
    for image in images:
        write_hdr(sys.argv[1], image, overwrite=True)
"""


def started(code, *arguments):
    """A child that has printed its first line."""
    child = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline()
    return child


def killed(child):
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()


@needs_posix
@pytest.mark.parametrize("overwrite", [False, True])
def test_killed_half_way_through(tmp_path, overwrite):
    path = tmp_path / "a.exr"
    if overwrite:
        path.write_bytes(b"old")
    killed(started(HALF_WRITTEN, path, overwrite))
    left = [name for name in names(tmp_path) if name != "a.exr"]
    assert len(left) == 1
    assert left[0].startswith(TEMPORARY_PREFIX)
    assert path.exists() == overwrite
    assert not overwrite or path.read_bytes() == b"old"


@needs_posix
@pytest.mark.parametrize("suffix", [".exr", ".hdr"])
def test_killed_at_any_moment_the_file_is_whole(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    child = started(REWRITING, path)
    time.sleep(0.3)
    killed(child)
    found = read_hdr(path).pixels
    assert found.shape == (200, 300, 3)
    assert np.unique(found).tolist() in ([1.0], [2.0])


@needs_posix
def test_readers_never_see_a_part(tmp_path):
    path = tmp_path / "a.exr"
    child = started(REWRITING, path)
    try:
        for _ in range(25):
            assert len(np.unique(read_hdr(path).pixels)) == 1
    finally:
        killed(child)


@needs_posix
def test_interrupting_removes_the_temporary_file(tmp_path):
    child = started(HALF_WRITTEN, tmp_path / "a.exr", False)
    child.send_signal(signal.SIGINT)
    child.wait()
    child.stdout.close()
    assert names(tmp_path) == []
