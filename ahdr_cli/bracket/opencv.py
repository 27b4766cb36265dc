"""OpenCV, imported when it is needed: it wants system libraries that a server may lack."""

from __future__ import annotations

import functools
from types import ModuleType

from ahdr_cli.errors import MissingDependencyError

__all__ = ["REMEDY", "has_cv2", "load_cv2"]

REMEDY = "install the system's libGL and glib, or pip install opencv-python-headless"
"""The way out where it cannot be imported."""


def load_cv2() -> ModuleType:
    """The module cv2.

    Raises:
        MissingDependencyError: it is absent, or its system libraries are.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingDependencyError(
            f"OpenCV cannot be imported: {' '.join(str(error).split())}",
            hint=REMEDY,
        ) from error
    module: ModuleType = cv2
    return module


@functools.cache
def has_cv2() -> bool:
    """Whether it can be imported. The spine works without, unaligned."""
    try:
        load_cv2()
    except MissingDependencyError:
        return False
    return True
