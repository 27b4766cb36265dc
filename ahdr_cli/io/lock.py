"""`FileLock`: a lock of the operating system, which ends with the process that holds it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FileLock"]


@dataclass(frozen=True, slots=True)
class FileLock:
    """An open file that the operating system has locked for us.

    Attributes:
        descriptor: of the file.
        sure: whether the file is really locked; it is not on Windows and some network drives.
    """

    descriptor: int
    sure: bool

    @classmethod
    def take(cls, path: Path) -> FileLock | None:
        """Lock a file, which is made if need be; None if another process holds the lock.

        Raises:
            OSError: the file cannot be opened.
        """
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except (ImportError, OSError):
            return cls(descriptor, sure=False)
        return cls(descriptor, sure=True)

    def release(self) -> None:
        """Close the file, and so end the lock."""
        os.close(self.descriptor)
