from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ahdr_cli.batch import Shard
from ahdr_cli.batch.workspace import WORK_FOLDER, open_workspace
from ahdr_cli.errors import OutputError, UsageError


def test_leaves_nothing_behind(tmp_path):
    out = tmp_path / "new" / "out"
    with open_workspace(out) as staging:
        (staging / "half").write_text("x")
        assert staging.is_relative_to(out / WORK_FOLDER)
    assert list(out.iterdir()) == []


def test_nothing_is_left_after_a_failure(tmp_path):
    with pytest.raises(ZeroDivisionError), open_workspace(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_one_process_a_share(tmp_path):
    with open_workspace(tmp_path, shard=Shard(1, 2)):
        with (
            pytest.raises(UsageError, match=r"another ahdr batch .* \(shard 1/2\)"),
            open_workspace(tmp_path, shard=Shard(1, 2)),
        ):
            pass
        with open_workspace(tmp_path, shard=Shard(2, 2)) as other:
            assert other.is_dir()
    with open_workspace(tmp_path, shard=Shard(1, 2)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputError, match="cannot be worked in"), open_workspace(tmp_path / "out"):
        pass


def _killed_in_work(folder: Path, shard: str) -> None:
    """A process that has half a file when SIGKILL comes."""
    script = (
        "import sys, time; from pathlib import Path\n"
        "from ahdr_cli.batch import parse_shard\n"
        "from ahdr_cli.batch.workspace import open_workspace\n"
        f"with open_workspace(Path({str(folder)!r}), shard=parse_shard({shard!r})) as staging:\n"
        "    (staging / 'half').write_text('x'); print('here', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        process.send_signal(signal.SIGKILL)
    assert list(folder.rglob("half"))


def test_what_a_killed_process_left_is_swept(tmp_path):
    _killed_in_work(tmp_path, "1/1")
    with open_workspace(tmp_path):
        assert not list(tmp_path.rglob("half"))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_of_another_sharing_left_is_swept_later(tmp_path):
    _killed_in_work(tmp_path, "2/3")
    with open_workspace(tmp_path):
        assert list(tmp_path.rglob("half"))  # it might just be starting
    lock = tmp_path / WORK_FOLDER / "2-of-3" / "lock"
    os.utime(lock, times=(time.time() - 3600,) * 2)
    with open_workspace(tmp_path):
        assert not list(tmp_path.rglob("half"))
    assert list(tmp_path.iterdir()) == []


def test_a_living_share_is_not_swept_however_old(tmp_path):
    with open_workspace(tmp_path, shard=Shard(2, 3)) as staging:
        os.utime(staging.parent / "lock", times=(time.time() - 3600,) * 2)
        with open_workspace(tmp_path):
            assert staging.is_dir()
        assert staging.is_dir()


def test_an_unfinished_report_is_swept_later(tmp_path):
    fresh, old = tmp_path / ".ahdr-tmp-1.json", tmp_path / ".ahdr-tmp-2.json"
    for path in (fresh, old):
        path.write_text("{")
    os.utime(old, times=(time.time() - 3600,) * 2)
    with open_workspace(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == [fresh]
